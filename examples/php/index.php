<?php // A shop without a framework that has shopd's checkout in its own page: php -S localhost:8001 index.php
declare(strict_types=1);

const GOODS = ["TENT" => ["Tent for two", 249900], "MUG" => ["Enamel mug", 14900]]; // kronor × 100, tax included
$shopd = getenv("SHOPD_URL") ?: "http://localhost:8080";
$klarna = getenv("KLARNA_ORIGIN") ?: "http://127.0.0.1:9090"; // hosts that Klarna's form uses
$self = getenv("SHOP_URL") ?: "http://localhost:8001";

// Asks shopd; returns the status and what it answers, and logs why it says no. Nothing is warned of: where PHP shows its warnings, no status and
// no header could follow.
function shopd(string $method, string $path, ?array $body = null): array {
    global $shopd;
    $file = @fopen("$shopd/v1/$path", "r", false, stream_context_create(["http" => [
        "method" => $method, "ignore_errors" => true, "timeout" => 15,
        "header" => ["Authorization: Bearer " . (getenv("SHOPD_KEY") ?: "sk_demo"), "Content-Type: application/json"],
        "content" => $body === null ? "" : json_encode($body),
    ]]));
    $answer = $file ? json_decode((string) @stream_get_contents($file), true) : null;
    $status = is_array($answer) ? (int) explode(" ", stream_get_meta_data($file)["wrapper_data"][0])[1] : 503; // it is away, or broke off
    if ($status >= 400) error_log("shopd: $status " . (json_encode($answer) ?: ""));
    return [$status, is_array($answer) ? $answer : []];
}

// Tells shopd what is in the basket: all of it, each time.
function tell(array $basket): array {
    global $self;
    $lines = [];
    foreach ($basket as $sku => $quantity) {
        [$name, $price] = GOODS[$sku];
        $lines[] = ["id" => $sku, "reference" => $sku, "name" => $name, "quantity" => $quantity, "unit_price" => $price, "tax_rate" => 2500];
    }
    return shopd("PUT", "checkout_sessions/" . $_SESSION["reference"], [
        "country" => "SE", "locale" => "en-SE", "mode" => "embedded", "order_lines" => $lines,
        "delivery_options" => [["id" => "parcel", "name" => "To your door", "price" => 4900, "tax_rate" => 2500]],
        "success_url" => "$self/thanks", "checkout_url" => "$self/checkout", "cancel_url" => "$self/",
    ]);
}

// Whether shopd has kept what it was told, though Klarna may hear of it later. Where it has not, or has not answered, the
// basket here stays as it was: the next change tells all of it again.
function isKept(int $status, array $answer): bool {
    return $status < 300 || ($answer["code"] ?? "") === "klarna_unavailable";
}

// Changes what the shop knows: its orders by reference, and which webhooks are done. In a real shop these are tables.
function book(callable $change): mixed {
    $file = fopen(getenv("SHOP_DATA") ?: sys_get_temp_dir() . "/shopd-example-shop.json", "c+");
    flock($file, LOCK_EX);
    $book = json_decode(stream_get_contents($file), true) ?? ["orders" => [], "seen" => []];
    $result = $change($book);
    rewind($file);
    ftruncate($file, 0);
    fwrite($file, json_encode($book));
    fclose($file);
    return $result;
}

// Whether what shopd tells is signed by the endpoint's secret, and no older than 5 minutes.
function isSigned(string $body, string $id, string $at): bool {
    $key = base64_decode(substr((string) getenv("SHOPD_WEBHOOK_SECRET"), strlen("whsec_")));
    $want = "v1," . base64_encode(hash_hmac("sha256", "$id.$at.$body", $key, true));
    $signed = false;
    foreach (explode(" ", $_SERVER["HTTP_WEBHOOK_SIGNATURE"] ?? "") as $one) $signed = $signed || hash_equals($want, $one);
    return $signed && $key !== "" && abs(time() - (int) $at) <= 300;
}

// Reads an order at shopd into the shop's own. Older news than what is known changes nothing; false: try again later.
function learn(string $id): bool {
    [$status, $order] = shopd("GET", "orders/" . rawurlencode($id));
    if ($status !== 200) return false;
    $paid = str_contains($order["status"], "captured") || $order["shippable"] ? "paid" : "being checked by Klarna";
    $state = in_array($order["status"], ["cancelled", "expired"]) ? $order["status"] : $paid;
    book(function (array &$book) use ($order, $state) {
        $known = $book["orders"][$order["reference"] ?? ""]["revision"] ?? PHP_INT_MAX; // none: it is not of this shop
        if ($order["revision"] > $known) $book["orders"][$order["reference"]] = ["state" => $state, "revision" => $order["revision"], "number" => $order["number"], "amount" => $order["amounts"]["authorized"]];
    });
    return true;
}

function kronor(int $amount): string { return number_format($amount / 100, 2) . " kr"; }

// The basket, with buttons that work without JavaScript too.
function basket(): string {
    $html = "";
    foreach (GOODS as $sku => [$name, $price]) {
        $n = $_SESSION["basket"][$sku] ?? 0;
        $html .= "<li><form method=post action=/basket><input type=hidden name=sku value=$sku>$name, " . kronor($price) .
            " <button name=by value=-1 aria-label='Less of $name'" . ($n ? "" : " disabled") . ">−</button> <b>$n</b>" .
            " <button name=by value=1 aria-label='More of $name'>+</button></form></li>";
    }
    return "<ul>$html</ul>";
}

function page(string $title, string $main, string $script = ""): never {
    global $shopd, $klarna;
    $nonce = bin2hex(random_bytes(16));
    header("Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'self'; script-src 'nonce-$nonce' 'strict-dynamic'; " .
        "style-src 'nonce-$nonce'; connect-src 'self' $shopd; frame-src $klarna; img-src 'self' $klarna");
    echo "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>$title</title>",
        "<style nonce=$nonce>body { font: 1rem system-ui; max-width: 60rem; margin: auto; padding: 1rem } ul { padding: 0; list-style: none } button { min-width: 2.75rem; min-height: 2.75rem }</style>",
        "<main><h1>$title</h1>$main</main>", $script ? "<script type=module nonce=$nonce>const nonce = '$nonce'; $script</script>" : "";
    exit;
}

if ($_SERVER["REQUEST_METHOD"] . $_SERVER["REQUEST_URI"] === "POST/webhook") {
    $body = file_get_contents("php://input"); // the bytes that are signed
    $id = $_SERVER["HTTP_WEBHOOK_ID"] ?? "";
    if (!isSigned($body, $id, $_SERVER["HTTP_WEBHOOK_TIMESTAMP"] ?? "")) { http_response_code(401); exit; }
    $data = json_decode($body, true)["data"];
    if (!book(fn(array &$book) => isset($book["seen"][$id]))) { // the same one may come again
        if ($data["object"] === "order" && !learn($data["id"])) { http_response_code(503); exit; } // shopd tells it again
        book(function (array &$book) use ($id) { $book["seen"][$id] = time(); });
    }
    http_response_code(204);
    exit;
}

session_start(["cookie_samesite" => "Lax", "cookie_httponly" => true]);
$_SESSION["basket"] ??= [];
switch ($_SERVER["REQUEST_METHOD"] . " " . parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH)) {
    case "GET /":
        page("Basket", basket() . ($_SESSION["basket"] ? "<p><a href=/checkout>To the checkout</a>" : "<p>Put something in."));
    case "POST /basket":
        $basket = $_SESSION["basket"];
        $sku = isset(GOODS[$_POST["sku"] ?? ""]) ? $_POST["sku"] : "MUG";
        $basket[$sku] = max(0, min(99, ($basket[$sku] ?? 0) + (int) ($_POST["by"] ?? 0)));
        $basket = array_filter($basket);
        if (isset($_SESSION["reference"])) { // a checkout may be open: shopd first, for it may be bought already
            [$status, $answer] = $basket ? tell($basket) : shopd("POST", "checkout_sessions/{$_SESSION["reference"]}/expire");
            $none = !$basket && $status === 404; // no checkout was ever opened: there is nothing to end
            if (!$none && !isKept($status, $answer)) {
                http_response_code($status === 503 ? 503 : 409);
                exit("This basket cannot be changed now. Try again in a moment.");
            }
        }
        $_SESSION["basket"] = $basket;
        header("Location: " . (isset($_SERVER["HTTP_X_PART"]) ? "/part" : "/"), true, 303);
        exit;
    case "GET /part": // for the script on the checkout page
        exit(basket());
    case "GET /checkout":
        if (!$_SESSION["basket"]) { header("Location: /", true, 303); exit; }
        $_SESSION["reference"] ??= "php-" . bin2hex(random_bytes(8));
        book(function (array &$book) { $book["orders"][$_SESSION["reference"]] ??= ["state" => "not paid", "revision" => 0]; });
        [$status, $answer] = tell($_SESSION["basket"]);
        if (($answer["code"] ?? "") === "complete") { header("Location: /thanks", true, 303); exit; }
        if (in_array($status, [400, 401, 403, 404, 422])) { http_response_code(500); page("Checkout", "<p>The checkout cannot be opened."); } // the log says what is to be mended
        if ($status >= 400) { http_response_code(503); page("Checkout", "<p>The checkout cannot be opened now. <a href=/checkout>Try again</a>"); }
        page("Checkout", "<div id=basket>" . basket() . "</div><p>In all <b id=total>" . kronor($answer["order_amount"]) . "</b><p id=note role=status><div id=checkout></div>", <<<JS
            import { mountCheckout } from "$shopd/v1/checkout.js";
            const at = (id) => document.getElementById(id);
            const checkout = await mountCheckout("#checkout", { clientSecret: "{$answer["client_secret"]}", nonce });
            checkout.on("change", ({ order_amount }) => { at("total").textContent = (order_amount / 100).toLocaleString("en", { minimumFractionDigits: 2 }) + " kr" });
            at("basket").addEventListener("submit", async (event) => {
              event.preventDefault();
              const body = new URLSearchParams(new FormData(event.target, event.submitter));
              at("note").textContent = await checkout.update(async () => {
                const answer = await fetch("/basket", { method: "POST", body, headers: { "X-Part": "basket" } });
                if (!answer.ok) throw new Error(await answer.text());
                at("basket").innerHTML = await answer.text();
              }).then(() => "", ({ message }) => message);
            });
            JS);
    case "GET /thanks":
        [, $answer] = shopd("GET", "checkout_sessions/" . ($_SESSION["reference"] ?? $_SESSION["bought"]["reference"] ?? "none"));
        if (in_array($answer["status"] ?? "", ["complete", "placing"])) {
            if (isset($_SESSION["reference"])) $_SESSION = ["basket" => []]; // bought: the next basket gets a reference of its own
            $_SESSION["bought"] = $answer;
        }
        if (!$bought = $_SESSION["bought"] ?? null) { header("Location: /", true, 303); exit; }
        $number = isset($bought["order"]) // else it is paid, and still being written down: it may get another number
            ? "Your order has the number <b>{$bought["order"]["number"]}</b>." : "Your order is being written down. <a href=/thanks>Its number</a>";
        page("Thank you", "<p>$number <a href=/order>What is known of it</a><div id=checkout></div>", <<<JS
            import { mountConfirmation } from "$shopd/v1/checkout.js";
            await mountConfirmation("#checkout", { clientSecret: "{$bought["client_secret"]}", nonce });
            JS);
    case "GET /order": // what webhooks have told
        $bought = $_SESSION["bought"] ?? null;
        $own = book(fn(array &$book) => $book["orders"][$bought["reference"] ?? ""] ?? null);
        if (!$own) { header("Location: /", true, 303); exit; }
        page("Order " . ($own["number"] ?? ""), "<p>It is <b id=state>{$own["state"]}</b>" . (isset($own["amount"]) ? ": " . kronor($own["amount"]) : "") . ".<p><a href=/>Back to the shop</a>");
}
http_response_code(404);
page("Not found", "<p><a href=/>To the basket</a>");
