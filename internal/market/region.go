package market

import "strings"

// Region returns the region that decides the tax, as [Market.SalesTaxRate] takes it: the
// two letters of a US state, whether it is written so, by its name or by a usual
// abbreviation: "US-CA", "California", "Calif.", "N.J.", "Washington, DC". Outside the US
// it is "". It is false for a text that cannot be read, whose tax cannot be known. ""
// means not known yet. A territory is read, though nothing is delivered there: see
// [Delivery.Delivers].
func (m Market) Region(text string) (string, bool) {
	if m.Scheme != SalesTax {
		return "", true
	}
	word := letters(text)
	if word == "" {
		return "", strings.TrimSpace(text) == ""
	}
	for {
		if code, known := regions[word]; known {
			return code, true
		}
		shorter := word
		for _, start := range []string{"US", "STATEOF", "COMMONWEALTHOF"} {
			shorter = strings.TrimPrefix(shorter, start)
		}
		for _, end := range []string{"USA", "US", "UNITEDSTATES", "UNITEDSTATESOFAMERICA", "STATE"} {
			shorter = strings.TrimSuffix(shorter, end)
		}
		if shorter == word {
			break
		}
		word = shorter
	}
	return twice(text)
}

// twice reads a region that is written in two ways: "California (CA)", "CA - California".
func twice(text string) (string, bool) {
	found := ""
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("(),-–/", r) }) {
		word := letters(part)
		code, known := regions[word]
		switch {
		case word == "" || word == "USA" || word == "US":
		case !known, found != "" && found != code:
			return "", false
		default:
			found = code
		}
	}
	return found, found != ""
}

// letters returns the letters of a text in capitals.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r > 127:
			return r
		case r >= '0' && r <= '9':
			return r // is in no name
		}
		return -1
	}, text)
}

// regions are the regions by the letters of all that they are called.
var regions = func() map[string]string {
	byName := map[string]string{}
	for name, code := range states {
		byName[code], byName[letters(name)] = code, code
	}
	for code, names := range abbreviations {
		byName[code] = code
		for name := range strings.SplitSeq(names, ",") {
			byName[letters(name)] = code
		}
	}
	return byName
}()

// states are the names of the regions that have a sales tax rate, in capitals.
var states = map[string]string{
	"ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA", "COLORADO": "CO",
	"CONNECTICUT": "CT", "DISTRICT OF COLUMBIA": "DC", "DELAWARE": "DE", "FLORIDA": "FL", "GEORGIA": "GA", "HAWAII": "HI",
	"IDAHO": "ID", "ILLINOIS": "IL", "INDIANA": "IN", "IOWA": "IA", "KANSAS": "KS", "KENTUCKY": "KY", "LOUISIANA": "LA",
	"MAINE": "ME", "MARYLAND": "MD", "MASSACHUSETTS": "MA", "MICHIGAN": "MI", "MINNESOTA": "MN", "MISSISSIPPI": "MS",
	"MISSOURI": "MO", "MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV", "NEW HAMPSHIRE": "NH", "NEW JERSEY": "NJ",
	"NEW MEXICO": "NM", "NEW YORK": "NY", "NORTH CAROLINA": "NC", "NORTH DAKOTA": "ND", "OHIO": "OH", "OKLAHOMA": "OK",
	"OREGON": "OR", "PENNSYLVANIA": "PA", "RHODE ISLAND": "RI", "SOUTH CAROLINA": "SC", "SOUTH DAKOTA": "SD",
	"TENNESSEE": "TN", "TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT", "VIRGINIA": "VA", "WASHINGTON": "WA",
	"WEST VIRGINIA": "WV", "WISCONSIN": "WI", "WYOMING": "WY",
	"ARMED FORCES AMERICAS": "AA", "ARMED FORCES EUROPE": "AE", "ARMED FORCES PACIFIC": "AP",
}

// abbreviations are what the regions are called besides. The last are territories, to
// which nothing is delivered.
var abbreviations = map[string]string{
	"AL": "Ala", "AZ": "Ariz", "AR": "Ark", "CA": "Calif,Cal", "CO": "Colo,Col", "CT": "Conn", "DE": "Del",
	"DC": "Washington DC,Wash DC,Washington District of Columbia",
	"FL": "Fla", "HI": "Hawai’i,Hawaiʻi", "ID": "Ida", "IL": "Ill,Ills", "IN": "Ind", "KS": "Kan,Kans", "KY": "Kent",
	"MA": "Mass", "MI": "Mich", "MN": "Minn", "MS": "Miss", "MT": "Mont", "NE": "Neb,Nebr", "NV": "Nev", "NH": "N Hamp",
	"NJ": "N Jersey", "NM": "N Mex,New Mex", "NY": "N York", "NC": "N Car,N Carolina", "ND": "N Dak,N Dakota",
	"OK": "Okla", "OR": "Ore,Oreg", "PA": "Penn,Penna", "SC": "S Car,S Carolina", "SD": "S Dak,S Dakota", "TN": "Tenn",
	"TX": "Tex", "WA": "Wash", "WV": "W Va,West Va,W Virginia", "WI": "Wis,Wisc", "WY": "Wyo",
	"AE": "Armed Forces Africa,Armed Forces Canada,Armed Forces Middle East,APO AE,FPO AE,DPO AE",
	"AA": "APO AA,FPO AA,DPO AA", "AP": "APO AP,FPO AP,DPO AP",
	"PR": "Puerto Rico", "GU": "Guam", "VI": "Virgin Islands,US Virgin Islands,USVI", "AS": "American Samoa",
	"MP": "Northern Mariana Islands", "FM": "Federated States of Micronesia,Micronesia", "MH": "Marshall Islands",
	"PW": "Palau", "UM": "US Minor Outlying Islands",
}
