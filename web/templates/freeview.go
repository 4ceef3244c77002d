package templates

// FreeView is the checkout page of a cart for which nothing is to be paid.
type FreeView struct {
	Shell
	Order
	OrderID string // the shop's own, that the order will have
	// CustomerTypes and CustomerType are those of DetailsView.
	CustomerTypes []string
	CustomerType  string
	Fields        []AddressField // in their order
	Boxes         []Box
	Options       []DeliveryOption
	// Anywhere is that of the way of delivery that is chosen.
	Anywhere bool
}

// Box is a question of the shop's own, answered by a checkbox.
type Box struct {
	Name     string
	Value    string // that is sent of it when it is ticked
	HTML     string // made from the shop's Markdown
	Required bool
	Ticked   bool
	Wrong    bool // it has to be ticked
}

// fault is what the server says of a field.
type fault struct{ id, says string }

// faults are all that is wrong with the form.
func (v FreeView) faults() (faults []fault) {
	for _, f := range v.Fields {
		if f.Wrong {
			faults = append(faults, fault{f.id(), v.wrong(f)})
		}
	}
	for _, b := range v.Boxes {
		if b.Wrong {
			faults = append(faults, fault{b.Name, v.t("free.tick")})
		}
	}
	return faults
}
