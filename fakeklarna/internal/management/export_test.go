package management

// Calls are method and path, below the order, of all operations.
func Calls() []string {
	var calls []string
	for _, op := range operations {
		calls = append(calls, op.method+" "+op.path)
	}
	return calls
}
