package redisconn

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// onceOnly keeps go-redis's Cluster client, which heeds no MaxRetries, from repeating
// commands and pipelines whose reply was lost: it hides that the error is one of the
// network. Redirections and failed dials are still tried again; what these concern
// has not been run.
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
