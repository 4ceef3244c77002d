package observe

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// fullness asks Redis at each scrape how full its memory is. Of a Cluster it shows the master
// that is fullest. What cannot be read is not shown.
type fullness struct{ rdb redis.UniversalClient }

var (
	memoryUsed = prometheus.NewDesc("shopd_redis_memory_used_bytes", "Memory that Redis uses; of a Cluster that of the fullest master.", nil, nil)
	memoryMost = prometheus.NewDesc("shopd_redis_memory_max_bytes", "Its maxmemory, above which nothing is written; 0: none is set.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m fullness) Describe(ch chan<- *prometheus.Desc) {
	ch <- memoryUsed
	ch <- memoryMost
}

// Collect implements prometheus.Collector.
func (m fullness) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), waitingTime)
	defer cancel()
	var mu sync.Mutex
	var used, most float64
	known := false
	look := func(ctx context.Context, c redis.Cmdable) error {
		text, err := c.Info(ctx, "memory").Result()
		if err != nil {
			return err
		}
		u, limit := infoNumber(text, "used_memory"), infoNumber(text, "maxmemory")
		mu.Lock()
		defer mu.Unlock()
		if !known || u*max(most, 1) > used*max(limit, 1) {
			used, most, known = u, limit, true
		}
		return nil
	}
	if cluster, ok := m.rdb.(*redis.ClusterClient); ok {
		_ = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return look(ctx, c) })
	} else {
		_ = look(ctx, m.rdb)
	}
	if known {
		ch <- prometheus.MustNewConstMetric(memoryUsed, prometheus.GaugeValue, used)
		ch <- prometheus.MustNewConstMetric(memoryMost, prometheus.GaugeValue, most)
	}
}

// infoNumber is a number that INFO tells, 0 for none.
func infoNumber(info, name string) float64 {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+":"); found {
			n, _ := strconv.ParseFloat(value, 64)
			return n
		}
	}
	return 0
}
