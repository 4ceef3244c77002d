package fakeklarna_test

// The seeds that every run of the tests tries; make fuzz goes on from them for as long as it is told. They are 30 of
// a thousand each, which together have the most different answers of the fake (orderSeeds, paymentSeeds), members,
// kinds of lines and markets (validSeeds: all that there are), and faults (faultySeeds: 196 of the 206 kinds).
var (
	orderSeeds   = []uint64{2, 3, 6, 14, 15, 16, 32, 33, 34, 44, 45, 55, 56, 64, 74, 75, 90, 100, 104, 120, 128, 144, 156, 165, 188, 193, 196, 202, 280, 289}
	paymentSeeds = []uint64{0, 7, 9, 11, 15, 19, 20, 24, 38, 41, 45, 46, 50, 52, 53, 54, 58, 78, 90, 110, 118, 123, 146, 161, 185, 195, 212, 232, 244, 264}
	validSeeds   = []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 54, 123, 821}
	faultySeeds  = []uint64{5, 27, 29, 65, 75, 84, 93, 109, 117, 121, 131, 135, 154, 155, 164, 166, 187, 238, 304, 322, 332, 350, 376, 388, 420, 549, 628, 652, 798, 974}
)
