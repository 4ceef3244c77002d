package wire_test

import (
	"testing"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// A fault that names only a status is what the endpoint says with it.
func TestTypicalError(t *testing.T) {
	const om = "/ordermanagement/v1/orders/1"
	for _, tt := range []struct {
		path   string
		status int
		code   string
	}{
		{"/checkout/v3/orders", 403, "MERCHANT_INACTIVE"},
		{"/checkout/v3/orders/1", 403, "READ_ONLY_ORDER"},
		{"/checkout/v3/orders/1", 404, ""},
		{"/checkout/v3/orders", 503, ""},
		{"/payments/v1/sessions", 403, "MERCHANT_INACTIVE"},
		{"/payments/v1/sessions/1", 404, "NOT_FOUND"},
		{"/payments/v1/sessions", 500, "INTERNAL_SERVER_ERROR"},
		{"/payments/v1/authorizations/1/order", 403, "REJECTED"},
		{"/payments/v1/authorizations/1/customer-token", 403, "INVALID_OPERATION"},
		{"/payments/v1/authorizations/1/order", 409, "BAD_VALUE"},
		{"/customer-token/v1/tokens/1", 404, "TOKEN_NOT_FOUND"},
		{"/customer-token/v1/tokens/1/order", 403, "PAYMENT_METHOD_FAILED"},
		{"/customer-token/v1/tokens/1/order", 503, "SERVICE_UNAVAILABLE"},
		{om, 400, "INVALID_ORDER_ID"},
		{om, 404, "NO_SUCH_ORDER"},
		{om + "/captures", 403, "CAPTURE_NOT_ALLOWED"},
		{om + "/captures/2/shipping-info", 403, "NOT_ALLOWED"},
		{om + "/refunds", 403, "REFUND_NOT_ALLOWED"},
		{om + "/refunds", 404, "NOT_FOUND"},
		{om + "/cancel", 403, "CANCEL_NOT_ALLOWED"},
		{om + "/acknowledge", 403, "NOT_ALLOWED"},
		{om + "/captures", 409, "CONFLICT"},
		{om + "/captures", 418, ""},
	} {
		if e := wire.TypicalError(tt.path, tt.status); e.Code != tt.code || e.Status != tt.status {
			t.Errorf("%s %d: got %d %q, want %q", tt.path, tt.status, e.Status, e.Code, tt.code)
		}
	}
}
