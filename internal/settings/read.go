package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Read checks a shop file. Warnings are what is odd and does no harm.
func Read(s Source) (_ *Shop, warnings []string, err error) {
	shop := &Shop{Zone: time.UTC}
	if err := json.Unmarshal(s.File, shop); err != nil {
		return nil, nil, fmt.Errorf("read: %w", err)
	}
	return shop, nil, nil
}

// Load reads a shop file with the files that it names.
func Load(path string) (Source, error) {
	file, err := os.ReadFile(path)
	return Source{File: file}, err
}
