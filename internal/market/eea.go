package market

import (
	"cmp"
	"time"
)

// eea are the countries whose consumers have the right of withdrawal of Directive 2011/83/EU,
// with the time of their capitals: the members of the EU, and of the EEA beside it, to which
// the directive and its article 11a (Directive (EU) 2023/2673) are told to be of relevance.
// Not Switzerland, where distance contracts have no such right, and not the United Kingdom,
// whose law has the right but not the function.
var eea = map[string]string{
	"AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DE": "Europe/Berlin",
	"DK": "Europe/Copenhagen", "EE": "Europe/Tallinn", "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GR": "Europe/Athens",
	"HR": "Europe/Zagreb", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IT": "Europe/Rome", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg",
	"LV": "Europe/Riga", "MT": "Europe/Malta", "NL": "Europe/Amsterdam", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest",
	"SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava",
	"IS": "Atlantic/Reykjavik", "LI": "Europe/Vaduz", "NO": "Europe/Oslo",
}

// InEEA reports whether a country, in upper case, is in the EU or the EEA.
func InEEA(country string) bool { return eea[country] != "" }

// EEAZone is the time of a country of the EEA; of others, and without a table of zones, UTC.
func EEAZone(country string) *time.Location {
	zone, err := time.LoadLocation(cmp.Or(eea[country], "UTC"))
	if err != nil {
		return time.UTC
	}
	return zone
}

// AnyInEEA reports whether one of the markets is in the EU or the EEA.
func (l List) AnyInEEA() bool {
	for _, m := range l {
		if InEEA(m.Country) {
			return true
		}
	}
	return false
}
