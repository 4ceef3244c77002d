// The page of a checkout session of which nothing can be bought now: it is made anew when the merchant changes the basket.
import { Basket } from "./basket.js";
import { pageAnew } from "./page.js";

new Basket({ follow: () => pageAnew(), left: () => false });
