package shopper

import (
	"fmt"
	"strings"

	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// Refuse returns a refusal with a text in the order's language.
func Refuse(code, locale string) *Refusal {
	return &Refusal{Code: code, Message: refusalTexts[web.LangOf(locale)][refusalText[code]]}
}

// refusalText says which of the texts a code has; redirects have none.
var refusalText = map[string]int{
	RefusedReadOnly: 1, RefusedDeclined: 2, RefusedTechnicalError: 3,
	RefusedValidation: 4, RefusedValidationFailed: 4,
	RefusedAddress: 5, RefusedAddressFailed: 3,
	RefusedUpsellOver: 1, RefusedUpsell: 4, RefusedUpsellFailed: 3,
	RefusedTotalChanged: 6,
}

// refusalTexts are the fake's own: Klarna's are not documented.
var refusalTexts = map[i18n.Lang][7]string{
	i18n.English: {
		1: "This order is closed and cannot be changed.",
		2: "The purchase was not approved. Choose another way to pay.",
		3: "Something went wrong. Try again.",
		4: "The purchase cannot be processed. Try again.",
		5: "The shop does not deliver to this address.",
		6: "The total has changed. Check it, then pay again.",
	},
	i18n.Swedish: {
		1: "Den här beställningen är avslutad och kan inte ändras.",
		2: "Köpet godkändes inte. Välj ett annat sätt att betala.",
		3: "Något gick fel. Försök igen.",
		4: "Köpet kan inte genomföras. Försök igen.",
		5: "Butiken levererar inte till den här adressen.",
		6: "Summan har ändrats. Kontrollera den och betala igen.",
	},
	i18n.Norwegian: {
		1: "Denne bestillingen er avsluttet og kan ikke endres.",
		2: "Kjøpet ble ikke godkjent. Velg en annen betalingsmåte.",
		3: "Noe gikk galt. Prøv igjen.",
		4: "Kjøpet kan ikke gjennomføres. Prøv igjen.",
		5: "Butikken leverer ikke til denne adressen.",
		6: "Summen er endret. Kontroller den og betal på nytt.",
	},
	i18n.Danish: {
		1: "Denne bestilling er afsluttet og kan ikke ændres.",
		2: "Købet blev ikke godkendt. Vælg en anden betalingsmåde.",
		3: "Noget gik galt. Prøv igen.",
		4: "Købet kan ikke gennemføres. Prøv igen.",
		5: "Butikken leverer ikke til denne adresse.",
		6: "Beløbet er ændret. Kontrollér det, og betal igen.",
	},
	i18n.Finnish: {
		1: "Tämä tilaus on suljettu, eikä sitä voi muuttaa.",
		2: "Ostosta ei hyväksytty. Valitse toinen maksutapa.",
		3: "Jokin meni vikaan. Yritä uudelleen.",
		4: "Ostosta ei voida käsitellä. Yritä uudelleen.",
		5: "Kauppa ei toimita tähän osoitteeseen.",
		6: "Summa on muuttunut. Tarkista se ja maksa uudelleen.",
	},
	i18n.German: {
		1: "Diese Bestellung ist abgeschlossen und kann nicht geändert werden.",
		2: "Der Kauf wurde nicht genehmigt. Wählen Sie eine andere Zahlungsart.",
		3: "Etwas ist schiefgelaufen. Versuchen Sie es noch einmal.",
		4: "Der Kauf kann nicht ausgeführt werden. Versuchen Sie es noch einmal.",
		5: "Der Shop liefert nicht an diese Adresse.",
		6: "Der Betrag hat sich geändert. Prüfen Sie ihn und bezahlen Sie dann noch einmal.",
	},
	i18n.Dutch: {
		1: "Deze bestelling is afgesloten en kan niet worden gewijzigd.",
		2: "De aankoop is niet goedgekeurd. Kies een andere betaalwijze.",
		3: "Er is iets misgegaan. Probeer het opnieuw.",
		4: "De aankoop kan niet worden verwerkt. Probeer het opnieuw.",
		5: "De winkel levert niet op dit adres.",
		6: "Het bedrag is gewijzigd. Controleer het en betaal opnieuw.",
	},
}

// Refusal says why the checkout did not carry out an action. The order has not changed,
// and another try may succeed.
type Refusal struct {
	Code string `json:"code"` // one of the Refused… constants, or one of the payments room
	// Message is what the iframe shows: the merchant's text, else one in the
	// order's language.
	Message string `json:"message"`
	// RedirectURL is where the merchant sends the browser, "" = it stays.
	RedirectURL string `json:"redirect_url,omitempty"`
}

// The values of Refusal.Code. First those of a purchase. Then those of an address, country
// or shipping option, which block the purchase until the merchant agrees. Then those of what
// is offered after it.
const (
	RefusedReadOnly           = "read_only_order"     // the order is bought or aborted
	RefusedDeclined           = "declined"            // by the shopper in the dialog, or by Klarna
	RefusedTotalChanged       = "total_changed"       // another sum is to be paid than the purchase names
	RefusedTechnicalError     = "technical_error"     // at Klarna
	RefusedValidation         = "validation_refused"  // the merchant answered validation with 400
	RefusedValidationRedirect = "validation_redirect" // … with 301, 302, 303 or 307
	RefusedValidationFailed   = "validation_failed"   // … not at all or otherwise, where success is required
	RefusedAddress            = "address_refused"     // the merchant answered an address callback with 400
	RefusedAddressRedirect    = "address_redirect"    // … with 301, 302, 303 or 307
	RefusedAddressFailed      = "address_failed"      // … not at all or with what the order cannot be
	RefusedUpsellOver         = "upsell_over"         // nothing can be added, or not any more
	RefusedUpsell             = "upsell_refused"      // the merchant answered upsell_validation with 400, or it is too much
	RefusedUpsellFailed       = "upsell_failed"       // the merchant did not answer, or with what no offer can be
)

// OtherSum reports whether a purchase names another sum than amount in currency, which is to be
// paid: the shopper was not shown that one. What it does not name may be anything.
func OtherSum(named *int64, in string, amount int64, currency string) bool {
	return named != nil && *named != amount || in != "" && !strings.EqualFold(in, currency)
}

// BadAction is the error of an action that is not possible or misspelt.
type BadAction struct{ text string }

// Error says what is not possible.
func (e *BadAction) Error() string { return e.text }

// BadActionf returns a *BadAction.
func BadActionf(format string, args ...any) error {
	return &BadAction{fmt.Sprintf(format, args...)}
}
