<?php // A shop without a framework that has shopd's checkout in its own page: php -S localhost:8001 index.php
declare(strict_types=1);

const GOODS = ["TENT" => ["Tent for two", 249900], "MUG" => ["Enamel mug", 14900]]; // kronor × 100, tax included
$shopd = getenv("SHOPD_URL") ?: "http://localhost:8080";
$klarna = getenv("KLARNA_ORIGIN") ?: "http://127.0.0.1:9090"; // hosts that Klarna's form uses
$self = getenv("SHOP_URL") ?: "http://localhost:8001";

// Asks shopd; returns the status and what it answers.
function shopd(string $method, string $path, ?array $body = null): array {
    global $shopd;
    $answer = file_get_contents("$shopd/v1/checkout_sessions/$path", false, stream_context_create(["http" => [
        "method" => $method, "ignore_errors" => true, "timeout" => 15,
        "header" => ["Authorization: Bearer " . (getenv("SHOPD_KEY") ?: "sk_demo"), "Content-Type: application/json"],
        "content" => $body === null ? "" : json_encode($body),
    ]]));
    return [(int) explode(" ", $http_response_header[0] ?? "- 503")[1], json_decode((string) $answer, true)];
}

// Tells shopd what is in the basket: all of it, each time.
function tell(array $basket): array {
    global $self;
    $lines = [];
    foreach ($basket as $sku => $quantity) {
        [$name, $price] = GOODS[$sku];
        $lines[] = ["id" => $sku, "reference" => $sku, "name" => $name, "quantity" => $quantity, "unit_price" => $price, "tax_rate" => 2500];
    }
    return shopd("PUT", $_SESSION["reference"], [
        "country" => "SE", "locale" => "en-SE", "mode" => "embedded", "order_lines" => $lines,
        "delivery_options" => [["id" => "parcel", "name" => "To your door", "price" => 4900, "tax_rate" => 2500]],
        "success_url" => "$self/thanks", "checkout_url" => "$self/checkout", "cancel_url" => "$self/",
    ]);
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
            [$status] = $basket ? tell($basket) : shopd("POST", $_SESSION["reference"] . "/expire");
            if ($status >= 400 && $status !== 503) { // 503: kept, and told to Klarna later
                http_response_code(409);
                exit("This basket cannot be changed now.");
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
        [$status, $answer] = tell($_SESSION["basket"]);
        if (($answer["code"] ?? "") === "complete") { header("Location: /thanks", true, 303); exit; }
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
        [, $answer] = shopd("GET", $_SESSION["reference"] ?? "none");
        if (in_array($answer["status"] ?? "", ["complete", "placing"])) { // bought: the next basket gets a reference of its own
            $_SESSION = ["basket" => [], "bought" => $answer];
        }
        if (!$bought = $_SESSION["bought"] ?? null) { header("Location: /", true, 303); exit; }
        page("Thank you", "<p>Your order has the number <b>{$bought["order_number"]}</b>.<div id=checkout></div>", <<<JS
            import { mountConfirmation } from "$shopd/v1/checkout.js";
            await mountConfirmation("#checkout", { clientSecret: "{$bought["client_secret"]}", nonce });
            JS);
}
http_response_code(404);
page("Not found", "<p><a href=/>To the basket</a>");
