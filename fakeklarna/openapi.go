package fakeklarna

import (
	_ "embed" // for the description
	"encoding/json"
	"net/http"
)

// openAPI describes the fake's own interface, OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

func getOpenAPI(*http.Request) (int, any) { return http.StatusOK, json.RawMessage(openAPI) }
