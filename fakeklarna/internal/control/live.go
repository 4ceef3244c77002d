package control

import (
	"io"
	"net/http"
	"time"
)

const (
	// liveLife is how long one stream lasts; browsers then ask for another.
	liveLife = 10 * time.Minute
	// liveBeat is how often a stream says that it is still there.
	liveBeat = 20 * time.Second
	// livePause is the shortest time between two messages.
	livePause = 250 * time.Millisecond
	// liveStreams is how many pages may watch at a time.
	liveStreams = 100
)

// serveLive sends a server-sent event to a page after each visible change. The page then
// reloads. The stream ends when the fake is closed or reset, and after liveLife.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	select {
	case s.watchers <- struct{}{}:
		defer func() { <-s.watchers }()
	default:
		sendRefusal(w, http.StatusTooManyRequests, "too_many_pages", "too many pages watch already")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	changed := s.Changed()
	s.Mu.Lock()
	forgot := s.Forgot
	s.Mu.Unlock()
	end := time.NewTimer(liveLife)
	defer end.Stop()
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	rc := http.NewResponseController(w)
	say := func(text string) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(liveBeat)) // a page that does not read is let go; not every server can
		_, err := io.WriteString(w, text)
		return err == nil && rc.Flush() == nil
	}
	if !say("retry: 500\n\ndata: hello\n\n") {
		return
	}
	for {
		select {
		case <-changed:
		case <-beat.C:
			if !say(": still here\n\n") {
				return
			}
			continue
		case <-r.Context().Done():
			return
		case <-s.Closed:
			return
		case <-end.C:
			return
		}
		changed = s.Changed()
		if !say("data: changed\n\n") {
			return
		}
		select {
		case <-forgot:
			return
		case <-time.After(livePause):
		case <-r.Context().Done():
		case <-s.Closed:
		}
	}
}
