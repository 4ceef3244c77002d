// Package clients is a client of the API that a generator makes of its document, and the
// test that such clients work. It is a module of its own: nobody else needs the generator.
package clients
