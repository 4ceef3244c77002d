package db

import (
	"database/sql"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// A host that vanishes holds no lock for long: both ends ask after 10 s of silence,
// three times.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 3 * time.Second, Count: 3}

const connectTimeout = 3 * time.Second

func (d *DB) openPostgres() error {
	config, err := postgresConfig(d.config)
	if err != nil {
		return err
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(d.config.Connections)
	pool.SetMaxIdleConns(d.config.Connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute) // after a failover all find the new server
	d.Engine, d.Read, d.write = Postgres, pool, pool
	d.close = append(d.close, pool.Close)
	return nil
}

// postgresConfig are the settings of each connection. What the URL says itself stays.
func postgresConfig(c Config) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, errURL
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.DialFunc = (&net.Dialer{Timeout: config.ConnectTimeout, KeepAliveConfig: keepAlive}).DialContext
	if c.Dial != nil {
		config.DialFunc = c.Dial
	}
	config.OnNotice = noteStandby
	for name, value := range map[string]string{
		"application_name":                    "shopd",
		"default_transaction_isolation":       "read committed",
		"lock_timeout":                        milliseconds(c.Lock),
		"statement_timeout":                   milliseconds(c.Statement),
		"idle_in_transaction_session_timeout": milliseconds(c.Idle),
		"client_connection_check_interval":    milliseconds(2 * time.Second),
		"jit":                                 "off", // of no use to short statements, and compiling takes a second
		"tcp_keepalives_idle":                 strconv.Itoa(int(keepAlive.Idle.Seconds())),
		"tcp_keepalives_interval":             strconv.Itoa(int(keepAlive.Interval.Seconds())),
		"tcp_keepalives_count":                strconv.Itoa(keepAlive.Count),
		"tcp_user_timeout":                    milliseconds(20 * time.Second),
	} {
		if _, said := config.RuntimeParams[name]; !said {
			config.RuntimeParams[name] = value
		}
	}
	return config, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

const awayKey = "standby_away"

// noteStandby remembers that a commit no longer waited for the standby. PostgreSQL
// answers such a commit as if all were well, and warns.
func noteStandby(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.Routine == "SyncRepWaitForLSN" { // the text is in the server's language
		conn.CustomData()[awayKey] = true
	}
}

// standbyAway reports whether noteStandby was called for a connection, once.
func standbyAway(conn *sql.Conn) (away bool) {
	_ = conn.Raw(func(driverConn any) error {
		if c, ok := driverConn.(*stdlib.Conn); ok {
			data := c.Conn().PgConn().CustomData()
			away = data[awayKey] != nil
			delete(data, awayKey)
		}
		return nil
	})
	return away
}

// code is the SQLSTATE of an error of PostgreSQL, "" of another.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// SQLSTATE codes. Source: www.postgresql.org/docs/15/errcodes-appendix.html
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	integrityViolation   = "23" // a class
)
