package backoffice

// ExportSpans is what the page of the exports offers.
var ExportSpans = exportSpans
