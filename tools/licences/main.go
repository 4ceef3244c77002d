// Command licences lists the licences of all modules that shopd is made of, and of those
// that only its tests and tools need. Run it in the repository's root: it writes
// docs/licences.md, and the texts that a binary must come with to THIRD_PARTY_LICENCES.
package main

import (
	"fmt"
	"log"
	"os"
)

// mode is of the files: anybody may read them.
const mode = 0o644

func main() {
	table, texts, err := write(".")
	if err == nil {
		err = os.WriteFile(tableFile, []byte(table), mode)
	}
	if err == nil {
		err = os.WriteFile(textsFile, []byte(texts), mode)
	}
	if err != nil {
		log.SetFlags(0)
		log.Fatal(fmt.Errorf("licences: %w", err))
	}
}
