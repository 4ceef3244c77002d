/*
 * One cart, its orders at Klarna and the order book: sync, callbacks and placing, as
 * docs/sync.md has them, while replies are lost, tries land late and processes are killed.
 * README.md says what is modelled, what is left out and what each property means.
 *
 * Switches that take one rule out; such a run must fail:
 *   NO_MEND NOTE_AFTER NO_OVERTAKEN NO_LOCK NO_VERSION NO_ORDER_CAS NO_VALIDATION ACK_FIRST
 */

#ifndef FAULTS
#define FAULTS 2 /* replies that are lost, tries that hang in the air */
#endif
#ifndef KILLS
#define KILLS 1 /* requests, callbacks or placings whose process is killed */
#endif
#ifndef LEASES
#define LEASES 0 /* leases that a process loses and lives on */
#endif
#ifndef PRESSES
#define PRESSES 1 /* of what asks the shop: the button Buy, or an address */
#endif
#ifndef TABS
#define TABS 2
#endif
#ifndef ORDERS
#define ORDERS 2 /* that Klarna may have */
#endif

/* What a cart wants, and an order says: a bit for each item, and one for the address. */
#define FIRST 1
#define ITEMS 7
#define ADDRESS 8

#define N (ORDERS + 1) /* 0 is no order */
#define BIT(o) (1 << (o))

mtype = { NONE, OPEN, COMPLETE, ABORTED, OK, LOST, LOCKED, READONLY, GONE };

/* Redis: the cart, the lease of its session, the orders given up, the notes of updates. */
byte wants = FIRST, rev = 1, order, bought;
bit lease;
byte left, notes;

/* Klarna: how an order stands, what it says, whether a callback about it runs. */
mtype st[N] = NONE;
byte says[N];
bit busy[N];
byte made;

/* A try that its sender has given up and that may still land. */
byte airOrder, airSays;

/* The database: purchases that were approved, those less than 10 min ago, the book. */
byte approved, young, booked, acked, closed;

/* What the properties speak of. */
byte known;         /* orders whose ID reached us */
byte given = FIRST; /* items whose change was answered */
byte paid;          /* items that were paid */
bit answered;       /* the cart's revision was answered with an order */
bit landedLate, lostLease;
byte faults, kills, leases, running, placing;

#ifdef ALONE /* the loop places when the confirmation is over, not at once with it */
#define LOOPS (placing == 0)
#else
#define LOOPS true
#endif

#define mayFail (faults < FAULTS)

#define CHANGED rev++; answered = 0

/* After this step the process may be killed; its lease runs out. */
#define DIES(where) if :: mortal && kills < KILLS -> kills++; goto where :: skip fi

/* One try of an update at Klarna. */
inline try(o, content, result) {
	atomic {
		if
		:: st[o] == OPEN && busy[o] -> result = LOCKED
		:: st[o] == OPEN && !busy[o] -> says[o] = content; landedLate = 0; result = OK
		:: st[o] == OPEN && !busy[o] && mayFail -> faults++; says[o] = content; result = LOST
		:: st[o] == OPEN && mayFail && airOrder == 0 -> faults++; airOrder = o; airSays = content; result = LOST
		:: st[o] == COMPLETE -> result = READONLY
		:: st[o] == ABORTED -> result = GONE
		fi
	}
}

/* What is noted is left to the mender. */
#ifdef NO_MEND
#define LEFT noted = 0
#else
#define LEFT notes = notes + noted; noted = 0
#endif
#ifdef NOTE_AFTER
#define KILLED noted = 0
#else
#define KILLED LEFT
#endif

/* An update: its note, two tries, and the end of the note where each had an answer. Notes
 * of updates that live on count for nobody, so here a note is counted when it is left. A step
 * is one atomic block, with the kill after it. */
inline update(o, content, result, lost) {
	noted = 1;
	atomic { try(o, content, result); DIES(dead); if :: result == LOST -> lost = 1; hangs = 1 :: else fi };
	if
	:: result == LOST -> atomic { try(o, content, result); DIES(dead); if :: result == LOST -> hangs = 1 :: else fi }
	:: else
	fi;
	atomic { noted = hangs; hangs = 0; LEFT }
}

#ifdef NO_LOCK
#define TAKE skip
#else
#define TAKE atomic { !lease -> lease = 1; held = 1 }
#endif
#define LEAVE atomic { if :: held -> lease = 0; held = 0 :: else fi }

/* Is the order what the cart wants, at the moment at which its revision is read again? */
#define agrees(o) (st[o] != OPEN || says[o] == wants || landedLate || lostLease)

/* A tab: it loads the checkout, adds an item on the open page, and each time the order is
 * brought in step under the session's lock. */
proctype Tab(byte item) {
	byte r, w, o, n;
	mtype result;
	bit updates, held, lost, hangs, noted, mortal = 1;

	do
	::
		TAKE;
again:
		atomic {
			r = rev; w = wants; o = order;
			if
			:: leases < LEASES && held -> leases++; lostLease = 1; lease = 0; held = 0
			:: true
			fi;
			if
			:: (w & ITEMS) == 0 -> goto done
			:: (w & ITEMS) != 0 && o == 0 -> result = GONE; goto create
			:: else
			fi
		};
		if
		:: !updates -> /* a page load reads first */
			atomic {
				if
				:: st[o] == COMPLETE -> goto done
				:: st[o] == ABORTED -> result = GONE; goto create
				:: st[o] == OPEN && says[o] == w ->
					if
					:: rev == r -> answered = 1
					:: else
					fi;
					goto done
				:: st[o] == OPEN && says[o] != w
				fi
			}
		:: else
		fi;
		update(o, w, result, lost);
		atomic {
			if
			:: result == OK && lost && says[o] != w -> goto again /* read: the lost try has landed last */
			:: result == OK && !(lost && says[o] != w)
			:: result == READONLY -> goto done /* to the confirmation */
			:: result == LOST || result == LOCKED || result == GONE -> goto create
			fi
		};
		atomic { /* the revision is read once more */
			if
			:: rev == r && order == o -> assert(agrees(o)); answered = 1; goto done /* 3 */
			:: else ->
#ifndef NO_OVERTAKEN
				noted = 1; LEFT;
#endif
				goto again
			fi
		};
create:
		atomic {
			if
			:: o != 0 && result != GONE && (approved & BIT(o)) -> goto done /* 503: a purchase may be running */
			:: made == ORDERS -> goto done /* the bound of the model */
			:: else
			fi;
			made++; n = made; st[n] = OPEN; says[n] = w;
			if
			:: mayFail -> faults++; goto done /* 503: its ID reached nobody */
			:: true
			fi;
			DIES(dead)
		};
		atomic { /* the cart's order by compare-and-set; the other one is listed to be aborted */
			known = known | BIT(n);
#ifndef NO_ORDER_CAS
			if
			:: order != o -> left = left | BIT(n); goto again
			:: else
			fi;
#endif
			if
			:: o != 0 -> left = left | BIT(o)
			:: else
			fi;
			order = n;
			if
			:: rev == r -> answered = 1
			:: else -> answered = 0; goto again
			fi
		};
done:
		atomic {
			r = 0; w = 0; o = 0; n = 0; lost = 0; result = 0; /* fewer states */
			LEAVE;
			if
			:: updates -> goto dead
			:: else -> updates = 1
			fi
		};
		do /* the change, on arrival, by compare-and-set on the revision */
		:: atomic { r = rev; w = wants };
			atomic {
				if
#ifndef NO_VERSION
				:: rev != r
				:: rev == r ->
#else
				:: true ->
#endif
					wants = w | item; CHANGED; given = given | item; break
				fi
			}
		od
	od;
dead:
	atomic { KILLED; r = 0; w = 0; o = 0; n = 0; lost = 0; hangs = 0; result = 0; LEAVE; running-- }
}

/* The loop that looks at updates without an answer, once none of their tries can land. */
active proctype Mender() {
	byte r, w, o;
	mtype result;
	bit held, lost, hangs, noted, mortal;

end:
	do
	:: atomic { notes > 0 && airOrder == 0 && !lease && !(young & BIT(order)) -> lease = 1; held = 1 };
again:
		atomic { r = rev; w = wants; o = order };
		atomic {
			if
			:: o == 0 || (w & ITEMS) == 0 || st[o] != OPEN || says[o] == w -> goto dead
			:: else
			fi
		};
		update(o, w, result, lost);
		atomic {
			if
			:: result == OK && (rev != r || says[o] != w) -> goto again
			:: result == LOCKED -> notes++ /* looked at again */
			:: else
			fi
		};
dead:
		atomic { r = 0; w = 0; o = 0; lost = 0; result = 0; notes--; LEAVE }
	od
}

/* The network: what is in the air lands or is lost. Klarna lets it wait while it asks. */
active proctype Air() {
end:
	do
	:: atomic { airOrder != 0 && !busy[airOrder] ->
			if
			:: st[airOrder] == OPEN -> says[airOrder] = airSays; landedLate = 1
			:: true
			fi;
			airOrder = 0; airSays = 0
		}
	od
}

/* In the form of any order that a page has shown: the address, or the button Buy. Klarna asks
 * the shop, and nothing changes the order meanwhile but an abort. */
proctype Press() {
	byte o, r, w, c, b;
	bit mortal = 1;

	atomic {
		if
		:: (known & BIT(1)) && st[1] == OPEN && !busy[1] -> o = 1
		:: (known & BIT(2)) && st[2] == OPEN && !busy[2] -> o = 2
#if ORDERS > 2
		:: (known & BIT(3)) && st[3] == OPEN && !busy[3] -> o = 3
#endif
		:: true -> goto over
		fi;
		busy[o] = 1; c = says[o];
		if
		:: true -> goto address
		:: true -> goto buy
		fi
	};
address: /* the address_update callback */
	do
	:: atomic { r = rev; w = wants };
		atomic {
			if
			:: order != o || (w & ITEMS) == 0 -> goto refused
			:: order == o && (w & ITEMS) != 0 && rev == r ->
				if
				:: !(w & ADDRESS) -> wants = w | ADDRESS; CHANGED
				:: else
				fi;
				r = rev; w = wants; DIES(refused); break
			:: order == o && rev != r
			fi
		}
	od;
	atomic {
		if
		:: st[o] == OPEN -> says[o] = w;
			if
			:: rev == r && order == o -> answered = 1
			:: else
			fi
		:: mayFail -> faults++ /* the shop's answer is lost: refused */
		:: st[o] != OPEN
		fi;
		goto refused
	};
buy: /* the validation callback */
	atomic {
		b = bought;
		if
		:: order != o || (b & BIT(o)) -> goto refused
		:: else
		fi;
#ifndef NO_VALIDATION
		if
		:: wants != c -> goto refused
		:: else
		fi;
#endif
		assert(wants == c); /* 5 */
		DIES(refused)
	};
	atomic { /* one transaction, which locks the cart */
		if
		:: (booked & ~b) || (young & ~BIT(o)) -> goto refused
		:: else
		fi;
		approved = approved | BIT(o); young = young | BIT(o);
		DIES(refused)
	};
	atomic {
		if
		:: st[o] == OPEN ->
			assert(says[o] == c); /* 5 */
			assert((paid & c & ITEMS) == 0); /* 5: no item is bought twice */
			st[o] = COMPLETE; paid = paid | (c & ITEMS); running++; placing++;
			run Place(o)
		:: mayFail -> faults++ /* the shop's answer is lost: refused */
		:: st[o] != OPEN
		fi
	};
refused:
	busy[o] = 0;
over:
	atomic { o = 0; r = 0; w = 0; c = 0; b = 0; running-- }
}

inline place(o) {
#ifdef ACK_FIRST
	atomic { assert(booked & BIT(o)); acked = acked | BIT(o); DIES(dead) };
#endif
	atomic { booked = booked | BIT(o); DIES(dead) }; /* its key is Klarna's ID: the second gets the first one's */
	atomic { assert(booked & BIT(o)); acked = acked | BIT(o); DIES(dead) }; /* 6 */
	do
	:: atomic { r = rev; w = wants; n = order; b = bought };
		atomic {
			if
			:: rev == r && order == n && bought == b ->
				if
				:: !(b & BIT(o)) ->
					wants = w & ~(says[o] & ITEMS); bought = b | BIT(o); CHANGED;
					order = (n == o -> 0 : n)
				:: else
				fi;
				DIES(dead);
				break
			:: else
			fi
		}
	od;
	atomic { r = 0; w = 0; n = 0; b = 0; closed = closed | BIT(o); approved = approved & ~BIT(o); young = young & ~BIT(o) }
}

/* The confirmation page or the push places an order. */
proctype Place(byte o) {
	byte r, w, n, b;
	bit mortal = 1;
	place(o);
dead:
	atomic { r = 0; w = 0; n = 0; b = 0; running--; placing-- }
}

/* So does the loop, until it is done. */
active proctype Reconcile() {
	byte o, r, w, n, b;
	bit mortal;
end:
	do
	:: LOOPS && st[1] == COMPLETE && !(closed & BIT(1)) -> o = 1; place(o)
	:: LOOPS && st[2] == COMPLETE && !(closed & BIT(2)) -> o = 2; place(o)
#if ORDERS > 2
	:: LOOPS && st[3] == COMPLETE && !(closed & BIT(3)) -> o = 3; place(o)
#endif
	od;
dead:
	goto end
}

/* The loop that aborts orders given up. */
active proctype Sweeper() {
	byte o;
end:
	do
	:: atomic { left & ~young ->
			if
			:: left & ~young & BIT(1) -> o = 1
			:: left & ~young & BIT(2) -> o = 2
			:: left & ~young & BIT(3) -> o = 3
			fi;
			if
			:: order != o && st[o] == OPEN -> st[o] = ABORTED; says[o] = 0; approved = approved & ~BIT(o)
			:: else
			fi;
			left = left & ~BIT(o); o = 0
		}
	od
}

/* Ten minutes pass: a purchase that was approved is over. Whatever is bought is in the book
 * by then (see README.md). */
active proctype Clock() {
end:
	do
	:: atomic { (young & BIT(1)) && !busy[1] && (st[1] != COMPLETE || (booked & BIT(1))) -> young = young & ~BIT(1) }
	:: atomic { (young & BIT(2)) && !busy[2] && (st[2] != COMPLETE || (booked & BIT(2))) -> young = young & ~BIT(2) }
#if ORDERS > 2
	:: atomic { (young & BIT(3)) && !busy[3] && (st[3] != COMPLETE || (booked & BIT(3))) -> young = young & ~BIT(3) }
#endif
	od
}

#define forgotten(o) (st[o] == OPEN && (known & BIT(o)) && order != o)
#define unplaced(o) (st[o] == COMPLETE && !((booked & BIT(o)) && (acked & BIT(o))))
#define unclosed(o) (st[o] == COMPLETE && !(closed & BIT(o)))

init {
	byte i;

	atomic {
		running = TABS + PRESSES;
		run Tab(2);
#if TABS > 1
		run Tab(4);
#endif
		do
		:: i < PRESSES -> run Press(); i++
		:: else -> break
		od
	};
	/* Everything has come to rest; if it never does, that is an invalid end state. */
	atomic {
		running == 0 && airOrder == 0 && notes == 0 && left == 0 && !lease && !(young) &&
		!unclosed(1) && !unclosed(2) && !(ORDERS > 2 && unclosed(ORDERS)) ->
		assert((given & ~(wants | paid)) == 0);                           /* 1 */
		assert(!forgotten(1) && !forgotten(2) && !(ORDERS > 2 && forgotten(ORDERS)));   /* 2 */
		assert(!answered || order == 0 || (wants & ITEMS) == 0 || says[order] == wants);   /* 3 */
		assert(order == 0 || st[order] == OPEN);                          /* 4 */
		assert(!unplaced(1) && !unplaced(2) && !(ORDERS > 2 && unplaced(ORDERS)))       /* 6 */
	}
}
