package host

import "time"

// Sample is what a host looked like at one moment. Counters grow since the host or the process started: two samples make a rate. All
// sizes are bytes, all CPU times seconds. A recorded host is a list of samples as JSON.
type Sample struct {
	TakenAt time.Time     `json:"taken_at"`
	Took    time.Duration `json:"took_ns"`

	Hostname  string    `json:"hostname"`
	FQDN      string    `json:"fqdn,omitempty"`
	Addresses []string  `json:"addresses,omitempty"` // own IP addresses
	OS        string    `json:"os"`                  // GOOS
	Family    string    `json:"family,omitempty"`    // debian, rhel, …
	BootedAt  time.Time `json:"booted_at"`
	Root      bool      `json:"root"`     // the hub may read other users' processes
	Self      int       `json:"self_pid"` // the hub's own process

	CPU        CPU         `json:"cpu"`
	Load       [3]float64  `json:"load"`
	Memory     Memory      `json:"memory"`
	Pressure   Pressure    `json:"pressure"`
	OOMKills   int64       `json:"oom_kills"`      // /proc/vmstat oom_kill
	Forks      int64       `json:"forks"`          // processes made since boot
	Files      FileTable   `json:"files"`          // of the whole host
	Mounts     []Mount     `json:"mounts"`         // with their use
	Disks      []Disk      `json:"disks"`          // block devices
	Processes  []Process   `json:"processes"`      // by pid
	Cgroups    []Cgroup    `json:"cgroups"`        // those that processes are in, and the hub's own
	Sockets    []Socket    `json:"sockets"`        // TCP
	TCP        TCPCounters `json:"tcp"`            // of the network namespace
	Interfaces []Interface `json:"interfaces"`     // network interfaces
	Resolvers  []string    `json:"resolvers"`      // name servers of /etc/resolv.conf
	Sensors    []Sensor    `json:"sensors"`        // temperatures
	Unread     []string    `json:"unread"`         // what could not be read and why, for people: "open files of 112 processes: not root"
	SelfCgroup string      `json:"self_cgroup"`    // the hub's own, a Path of Cgroups
	Containers bool        `json:"in_a_container"` // the hub runs in a container: processes of the host are hidden
}

// CPU is the time that processors spent, since boot.
type CPU struct {
	Count   int        `json:"count"` // logical
	Cores   int        `json:"cores"` // physical, 0 when unknown
	Total   CPUTimes   `json:"total"`
	PerCPU  []CPUTimes `json:"per_cpu"`
	Blocked int        `json:"procs_blocked"` // processes waiting for a disk now
	Running int        `json:"procs_running"`
}

// CPUTimes are seconds since boot. IOWait is idle time.
type CPUTimes struct {
	User   float64 `json:"user"`
	Nice   float64 `json:"nice"`
	System float64 `json:"system"`
	Idle   float64 `json:"idle"`
	IOWait float64 `json:"iowait"`
	IRQ    float64 `json:"irq"` // with soft interrupts
	Steal  float64 `json:"steal"`
}

// Memory is judged by Available: what tmpfs holds counts as cache in Used.
type Memory struct {
	Total     uint64 `json:"total"`
	Available uint64 `json:"available"`
	Used      uint64 `json:"used"`
	Shared    uint64 `json:"shared"` // tmpfs and shared memory
	SwapTotal uint64 `json:"swap_total"`
	SwapFree  uint64 `json:"swap_free"`
}

// Pressure is the share of the last 10 s, 0-100, in which some task waited. Nil: the kernel does not say.
type Pressure struct {
	CPU    *float64 `json:"cpu"`
	IO     *float64 `json:"io"`
	IOFull *float64 `json:"io_full"`
	Memory *float64 `json:"memory"`
}

// FileTable is /proc/sys/fs/file-nr.
type FileTable struct {
	Open int64 `json:"open"`
	Most int64 `json:"most"`
}

// Mount is a mounted file system. Several mounts of one device are listed once each.
type Mount struct {
	Path       string `json:"path"`
	Device     string `json:"device"`
	Type       string `json:"type"`
	ReadOnly   bool   `json:"read_only"`
	Options    string `json:"options"`
	Dev        uint64 `json:"dev"`       // st_dev of Path
	Total      uint64 `json:"total"`     // 0: it has no size (proc, sysfs …), or Unread
	Free       uint64 `json:"free"`      // for root
	Available  uint64 `json:"available"` // for others
	Inodes     uint64 `json:"inodes"`
	InodesFree uint64 `json:"inodes_free"`
	Unread     string `json:"unread,omitempty"` // why there are no numbers
}

// Disk is a block device's counters.
type Disk struct {
	Name       string        `json:"name"`
	Reads      uint64        `json:"reads"`
	Writes     uint64        `json:"writes"`
	ReadBytes  uint64        `json:"read_bytes"`
	WriteBytes uint64        `json:"write_bytes"`
	Busy       time.Duration `json:"busy_ns"` // time with at least one request under way
	ReadTime   time.Duration `json:"read_ns"`
	WriteTime  time.Duration `json:"write_ns"`
	HasBusy    bool          `json:"has_busy"`
}

// Process is known by PID and Started: a pid is used again.
type Process struct {
	PID     int     `json:"pid"`
	PPID    int     `json:"ppid"`
	Started uint64  `json:"started"` // clock ticks after boot on Linux, else milliseconds since 1970
	Age     float64 `json:"age"`     // seconds since it started
	Name    string  `json:"name"`    // comm
	Cmdline string  `json:"cmdline"` // at most 200 bytes, secrets not taken out
	Exe     string  `json:"exe,omitempty"`
	Dir     string  `json:"dir,omitempty"` // working directory
	User    string  `json:"user,omitempty"`
	UID     int     `json:"uid"`
	State   string  `json:"state"`           // R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, I idle kernel thread
	WChan   string  `json:"wchan,omitempty"` // where in the kernel a D process waits
	Kernel  bool    `json:"kernel,omitempty"`

	UserTime       float64 `json:"user_time"`
	SystemTime     float64 `json:"system_time"`
	ChildrenTime   float64 `json:"children_time"` // of children that ended and were waited for
	ChildFaults    uint64  `json:"child_faults"`  // page faults of the same: it rises with each of them, however short it lived
	IODelay        float64 `json:"io_delay"`      // seconds waited for block devices
	RSS            uint64  `json:"rss"`
	Shared         uint64  `json:"shared"` // of RSS: files and shared memory
	Swap           uint64  `json:"swap"`
	Threads        int     `json:"threads"`
	FDs            int     `json:"fds"`      // -1: not readable
	FDLimit        uint64  `json:"fd_limit"` // soft; 0: not readable
	ReadBytes      uint64  `json:"read_bytes"`
	WriteBytes     uint64  `json:"write_bytes"`
	OpenFiles      []File  `json:"open_files,omitempty"` // regular files that were deleted or have at least 1 MiB, at most 64, largest first
	Cgroup         string  `json:"cgroup,omitempty"`     // a Path of Cgroups
	NetNamespace   uint64  `json:"net_ns,omitempty"`     // inode; 0: not readable
	MountNamespace uint64  `json:"mnt_ns,omitempty"`
}

// File is an open regular file.
type File struct {
	FD      int    `json:"fd"`
	Path    string `json:"path"` // without " (deleted)"
	Deleted bool   `json:"deleted,omitempty"`
	Writing bool   `json:"writing,omitempty"`
	Size    uint64 `json:"size"`
	Blocks  uint64 `json:"allocated"` // bytes on disk
	Dev     uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
}

// Cgroup is a control group. A number that is not limited or not known is 0; v1 controllers of one path are joined.
type Cgroup struct {
	Path       string  `json:"path"` // as in /proc/PID/cgroup, of the controller that has the numbers
	Version    int     `json:"version"`
	PIDs       []int   `json:"pids"`      // of processes in the sample
	CPUQuota   float64 `json:"cpu_quota"` // processors; 0: no limit
	Periods    uint64  `json:"periods"`
	Throttled  uint64  `json:"throttled"` // periods
	ThrottledS float64 `json:"throttled_s"`
	CPUTime    float64 `json:"cpu_time"`
	MemoryUsed uint64  `json:"memory_used"`
	MemoryFile uint64  `json:"memory_file"` // of it: page cache that can be given back
	MemoryMax  uint64  `json:"memory_max"`
	MemoryHigh uint64  `json:"memory_high"`
	OOMKills   uint64  `json:"oom_kills"`
	MaxEvents  uint64  `json:"max_events"` // how often the limit was reached
	PIDsNow    uint64  `json:"pids_now"`
	PIDsMax    uint64  `json:"pids_max"`
}

// Socket is a TCP socket. For LISTEN, Receive is the length of the accept queue and Send its most (0: not known).
type Socket struct {
	State   string `json:"state"` // LISTEN, ESTABLISHED, CLOSE_WAIT, SYN_SENT …
	Local   string `json:"local"` // address
	Port    int    `json:"port"`
	Remote  string `json:"remote"`
	RPort   int    `json:"remote_port"`
	Receive uint64 `json:"receive"`
	Send    uint64 `json:"send"`
	UID     int    `json:"uid"`
	PID     int    `json:"pid"` // 0: not readable
	Inode   uint64 `json:"inode"`
}

// TCPCounters count since boot.
type TCPCounters struct {
	ListenOverflows uint64 `json:"listen_overflows"`
	ListenDrops     uint64 `json:"listen_drops"`
	Retransmits     uint64 `json:"retransmits"`
}

// Interface is a network interface.
type Interface struct {
	Name      string   `json:"name"`
	Up        bool     `json:"up"`      // switched on
	Carrier   bool     `json:"carrier"` // has a link
	Loopback  bool     `json:"loopback"`
	Kind      string   `json:"kind,omitempty"` // physical, virtual
	Addresses []string `json:"addresses"`
	RxBytes   uint64   `json:"rx_bytes"`
	TxBytes   uint64   `json:"tx_bytes"`
	RxErrors  uint64   `json:"rx_errors"`
	TxErrors  uint64   `json:"tx_errors"`
	RxDropped uint64   `json:"rx_dropped"`
}

// Sensor is a temperature in degrees Celsius.
type Sensor struct {
	Name    string  `json:"name"`
	Celsius float64 `json:"celsius"`
	Kind    string  `json:"kind"` // cpu, disk, other
}
