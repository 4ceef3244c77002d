// Package redisconn opens the Redis client that every store of shopd uses: one
// node, a Cluster or a master found through Sentinel.
package redisconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// limit is how long one command, one dial or one wait for a connection may take.
const limit = time.Second

// go-redis writes to stderr what it also returns; the caller logs it.
func init() { logging.Disable() }

// Open returns a client for a Redis URL. It makes no connection yet.
//
//	redis://user:password@host:6379/0     one node; rediss:// for TLS
//	unix:///run/redis.sock                one node on a unix socket
//	redis://host1:6379,host2:6379         Cluster; one address with ?cluster=true
//	redis://host1:26379?master_name=shop  Sentinel, with any number of addresses
//
// The client never sends a command twice: a compare-and-set whose reply was lost may
// have run. Errors never contain the URL, which may hold a password.
func Open(rawURL string) (redis.UniversalClient, error) {
	o, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	switch {
	case o.MasterName != "":
		return redis.NewFailoverClient(o.Failover()), nil
	case o.IsClusterMode:
		cluster := o.Cluster()
		cluster.NewClient = func(node *redis.Options) *redis.Client {
			node.Dialer = onceOnly(redis.NewDialer(node))
			return redis.NewClient(node)
		}
		c := redis.NewClusterClient(cluster)
		c.AddHook(patient{})
		return c, nil
	}
	return redis.NewClient(o.Simple()), nil
}

func parse(rawURL string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("cannot be parsed")
	}
	o := &redis.UniversalOptions{
		Username:                 u.User.Username(),
		ContextTimeoutEnabled:    true,
		DialTimeout:              limit,
		ReadTimeout:              limit,
		WriteTimeout:             limit,
		PoolTimeout:              limit,
		DialerRetries:            1,
		MaxRetries:               -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	o.Password, _ = u.User.Password()
	switch u.Scheme {
	case "unix":
		if u.Path == "" {
			return nil, errors.New("names no socket")
		}
		o.Addrs = []string{u.Path}
	case "redis", "rediss":
		if o.Addrs, err = addresses(u.Host); err != nil {
			return nil, err
		}
		if db := strings.TrimPrefix(u.Path, "/"); db != "" {
			if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
				return nil, errors.New("the path must be the number of a database")
			}
		}
		if u.Scheme == "rediss" {
			o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	default:
		return nil, errors.New("the scheme must be redis, rediss or unix")
	}
	query := u.Query()
	o.MasterName = query.Get("master_name")
	o.IsClusterMode = o.MasterName == "" && (len(o.Addrs) > 1 || query.Get("cluster") == "true")
	if o.IsClusterMode && o.DB != 0 {
		return nil, errors.New("a Cluster has only database 0")
	}
	for name := range query {
		if name != "master_name" && name != "cluster" {
			return nil, fmt.Errorf("unknown parameter %q", name)
		}
	}
	return o, nil
}

// Wrap says of an error what was being done; nil stays nil.
func Wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// addresses splits "host1:1,host2" and adds the default port.
func addresses(hosts string) ([]string, error) {
	all := strings.Split(hosts, ",")
	for i, addr := range all {
		if addr == "" {
			return nil, errors.New("has an empty address")
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			all[i] = net.JoinHostPort(strings.Trim(addr, "[]"), "6379")
		}
	}
	return all, nil
}
