package i18n

import "maps"

// Texts are all texts of a language by key.
func Texts(l Lang) map[string]string { return maps.Clone(texts[l]) }
