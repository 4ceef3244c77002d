package redisconn

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// onceOnly keeps go-redis's Cluster client from repeating a command whose reply was
// lost. That client ignores MaxRetries, so onceOnly hides that the error came from the
// network. Redirections and failed dials are still repeated: those commands have not run.
func onceOnly(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if raw, ok := c.(syscall.Conn); ok { // the pool looks at it to find dead connections
			return rawConn{onceConn{c}, raw}, nil
		}
		return onceConn{c}, nil
	}
}

type onceConn struct{ net.Conn }

type rawConn struct {
	onceConn
	syscall.Conn
}

func (c onceConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, hide(err)
}

func (c onceConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, hide(err)
}

func hide(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reply lost: %v", err) //nolint:errorlint // hidden on purpose
}
