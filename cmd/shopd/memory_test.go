package main

import (
	"testing"
	"testing/fstest"
)

func TestCgroupMemory(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no cgroups", nil, 0},
		{"no limit", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "268435456\n"}, 256 << 20},
		{"container that sees the host's path", map[string]string{
			"proc/self/cgroup": "0::/docker/4f\n", "sys/fs/cgroup/memory.max": "268435456\n",
		}, 256 << 20},
		{"the unit has more than its slice", map[string]string{
			"proc/self/cgroup": "0::/shop.slice/shopd.service\n", "sys/fs/cgroup/shop.slice/shopd.service/memory.max": "2000\n",
			"sys/fs/cgroup/shop.slice/memory.max": "1000\n",
		}, 1000},
		{"first version", map[string]string{
			"proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/shop\n0::/\n", "sys/fs/cgroup/memory/shop/memory.limit_in_bytes": "5000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 5000},
	} {
		root := fstest.MapFS{}
		for name, text := range tt.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := cgroupMemory(root); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
