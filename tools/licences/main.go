// Command licences lists the licences of all modules that shopd is made of, and of those
// that only its tests and tools need. Run it in its own folder: it writes
// docs/licences.md, and the texts that a binary must come with to THIRD_PARTY_LICENCES.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
)

// root is the repository's.
const root = "../.."

// mode is of the files: anybody may read them.
const mode = 0o644

func main() {
	log.SetFlags(0)
	table, texts, err := write(root)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, tableFile), []byte(table), mode)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(root, textsFile), []byte(texts), mode)
	}
	if err != nil {
		log.Fatal(fmt.Errorf("licences: %w", err))
	}
}
