package i18n

import (
	"embed"
	"fmt"

	"github.com/go-json-experiment/json/v1"
)

// files are the texts, one JSON object for each language: key to text.
//
//go:embed texts/*.json
var files embed.FS

// texts are read once, when the program starts.
var texts = readAll()

// readAll reads the file of each language. It panics on a file that is missing
// or broken: the files are compiled in.
func readAll() map[Lang]map[string]string {
	all := map[Lang]map[string]string{}
	for _, l := range Langs() {
		file, err := files.ReadFile(fileName(l))
		if err != nil {
			panic(fmt.Sprintf("i18n: %v", err))
		}
		var lang map[string]string
		if err := json.Unmarshal(file, &lang); err != nil {
			panic(fmt.Sprintf("i18n: read %s: %v", fileName(l), err))
		}
		all[l] = lang
	}
	return all
}

// Source returns the English text of a key; false if there is no such text.
func Source(key string) (string, bool) {
	text, ok := texts[English][key]
	return text, ok
}

func fileName(l Lang) string { return "texts/" + string(l) + ".json" }
