package i18n

import (
	"io/fs"
	"maps"
)

// Texts are all texts of a language by key.
func Texts(l Lang) map[string]string { return maps.Clone(texts[l]) }

// Files are the files of texts as they are embedded.
func Files() fs.FS { return files }

// FileName is where Files has a language.
func FileName(l Lang) string { return fileName(l) }
