package browsertest

import (
	"fmt"
	"strings"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
	"github.com/ysmood/gson"
)

// Expect allows console errors that contain one of the texts. A violation of the content security policy always fails
// the test.
func (p *Page) Expect(texts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, texts...)
}

// Problems returns the console errors, uncaught exceptions and policy violations so far, without the expected ones.
// They fail the test at its end.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
	for _, problem := range p.problems {
		if !p.forgotten && !p.isExpected(problem) {
			left = append(left, problem)
		}
	}
	return left
}

// Forget lets problems not fail the test, those to come either: the browser tells of them late. It is for tests that
// check [Page.Problems] themselves.
func (p *Page) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgotten = true
}

const violation = "content security policy: "

func (p *Page) isExpected(problem string) bool {
	if strings.HasPrefix(problem, violation) {
		return false
	}
	for _, text := range p.expected {
		if strings.Contains(problem, text) {
			return true
		}
	}
	return false
}

func (p *Page) report(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, problem)
}

// listen collects the problems of the tab and its frames. It returns when the collection runs.
func (p *Page) listen(raw *rod.Page) {
	wait := raw.EachEvent(
		func(e *proto.RuntimeConsoleAPICalled) {
			if e.Type == proto.RuntimeConsoleAPICalledTypeError || e.Type == proto.RuntimeConsoleAPICalledTypeAssert {
				p.report("console: " + arguments(e.Args))
			}
		},
		func(e *proto.RuntimeExceptionThrown) {
			p.report("exception: " + exception(e.ExceptionDetails))
		},
		func(e *proto.LogEntryAdded) {
			if e.Entry.Level == proto.LogLogEntryLevelError {
				p.report(fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
			}
		},
		func(e *proto.AuditsIssueAdded) {
			if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil && !d.IsReportOnly {
				p.report(fmt.Sprintf("%s%s blocked %q", violation, d.ViolatedDirective, d.BlockedURL))
			}
		},
	)
	go wait()
}

func arguments(args []*proto.RuntimeRemoteObject) string {
	var parts []string
	for _, arg := range args {
		if arg.Description != "" {
			parts = append(parts, arg.Description)
		} else {
			parts = append(parts, arg.Value.Str())
		}
	}
	return strings.Join(parts, " ")
}

func exception(d *proto.RuntimeExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

func list(lines []string) string { return "  " + strings.Join(lines, "\n  ") }

func jsonString(s string) gson.JSON { return gson.New(s) }
