/* SPDX-License-Identifier: MIT */
/*
 * The D library: what scripts expect to be there, in D itself.  A part is parsed when a program first names
 * something that is in it, so an empty program pays for none.
 */
#include <stdio.h>
#include <string.h>

#include "sema.h"

static const char errno_d[] =
#define E(n, v) "inline int " #n " = " #v ";"
    E(EPERM, 1) E(ENOENT, 2) E(ESRCH, 3) E(EINTR, 4) E(EIO, 5) E(ENXIO, 6) E(E2BIG, 7)
    E(ENOEXEC, 8) E(EBADF, 9) E(ECHILD, 10) E(EAGAIN, 11) E(ENOMEM, 12) E(EACCES, 13)
    E(EFAULT, 14) E(ENOTBLK, 15) E(EBUSY, 16) E(EEXIST, 17) E(EXDEV, 18) E(ENODEV, 19)
    E(ENOTDIR, 20) E(EISDIR, 21) E(EINVAL, 22) E(ENFILE, 23) E(EMFILE, 24) E(ENOTTY, 25)
    E(ETXTBSY, 26) E(EFBIG, 27) E(ENOSPC, 28) E(ESPIPE, 29) E(EROFS, 30) E(EMLINK, 31)
    E(EPIPE, 32) E(EDOM, 33) E(ERANGE, 34) E(EDEADLK, 35) E(ENAMETOOLONG, 36) E(ENOSYS, 38)
    E(ENOTEMPTY, 39) E(ELOOP, 40) E(EWOULDBLOCK, 11) E(EOVERFLOW, 75) E(EILSEQ, 84)
    E(ENOTSOCK, 88) E(EMSGSIZE, 90) E(EOPNOTSUPP, 95) E(EADDRINUSE, 98) E(EADDRNOTAVAIL, 99)
    E(ENETDOWN, 100) E(ENETUNREACH, 101) E(ECONNABORTED, 103) E(ECONNRESET, 104)
    E(ENOBUFS, 105) E(EISCONN, 106) E(ENOTCONN, 107) E(ETIMEDOUT, 110) E(ECONNREFUSED, 111)
    E(EHOSTUNREACH, 113) E(EALREADY, 114) E(EINPROGRESS, 115) E(ESTALE, 116) E(EDQUOT, 122);

static const char signal_d[] =
    E(SIGHUP, 1) E(SIGINT, 2) E(SIGQUIT, 3) E(SIGILL, 4) E(SIGTRAP, 5) E(SIGABRT, 6)
    E(SIGBUS, 7) E(SIGFPE, 8) E(SIGKILL, 9) E(SIGUSR1, 10) E(SIGSEGV, 11) E(SIGUSR2, 12)
    E(SIGPIPE, 13) E(SIGALRM, 14) E(SIGTERM, 15) E(SIGSTKFLT, 16) E(SIGCHLD, 17) E(SIGCONT, 18)
    E(SIGSTOP, 19) E(SIGTSTP, 20) E(SIGTTIN, 21) E(SIGTTOU, 22) E(SIGURG, 23) E(SIGXCPU, 24)
    E(SIGXFSZ, 25) E(SIGVTALRM, 26) E(SIGPROF, 27) E(SIGWINCH, 28) E(SIGIO, 29) E(SIGPWR, 30)
    E(SIGSYS, 31);

static const char unistd_d[] =
    E(NULL, 0) E(DTRACEFLT_UNKNOWN, 0) E(DTRACEFLT_BADADDR, 1) E(DTRACEFLT_BADALIGN, 2)
    E(DTRACEFLT_ILLOP, 3) E(DTRACEFLT_DIVZERO, 4) E(DTRACEFLT_NOSCRATCH, 5)
    E(DTRACEFLT_KPRIV, 6) E(DTRACEFLT_UPRIV, 7) E(DTRACEFLT_TUPOFLOW, 8)
    E(DTRACEFLT_BADSTACK, 9) E(DTRACEFLT_BADSIZE, 10) E(DTRACEFLT_BADINDEX, 11)
    E(DTRACEFLT_LIBRARY, 1000)
    E(O_RDONLY, 0) E(O_WRONLY, 1) E(O_RDWR, 2) E(O_ACCMODE, 3) E(O_CREAT, 0x40) E(O_EXCL, 0x80)
    E(O_TRUNC, 0x200) E(O_APPEND, 0x400) E(O_NONBLOCK, 0x800) E(O_SYNC, 0x101000)
    E(O_CLOEXEC, 0x80000) E(O_DIRECTORY, 0x10000) E(CLD_EXITED, 1) E(CLD_KILLED, 2)
    E(CLD_DUMPED, 3);

static const char procfs_d[] =
    "typedef struct psinfo { int pr_nlwp; pid_t pr_pid; pid_t pr_ppid; pid_t pr_pgid; pid_t pr_sid;"
    " uid_t pr_uid; uid_t pr_euid; gid_t pr_gid; gid_t pr_egid; uintptr_t pr_addr;"
    " string pr_fname; string pr_psargs; uint_t pr_dmodel; } psinfo_t;"
    "typedef struct lwpsinfo { int pr_flag; id_t pr_lwpid; uintptr_t pr_addr; uintptr_t pr_wchan;"
    " long pr_state; char pr_sname; int pr_pri; char pr_nice; processorid_t pr_onpro;"
    " string pr_name; } lwpsinfo_t;"
    "translator psinfo_t < struct task_struct *T > {"
    " pr_nlwp = T->signal->nr_threads; pr_pid = T->tgid; pr_ppid = T->real_parent->tgid;"
    " pr_pgid = T->signal->pids[2]->numbers[0].nr; pr_sid = T->signal->pids[3]->numbers[0].nr;"
    " pr_uid = T->cred->uid.val; pr_euid = T->cred->euid.val; pr_gid = T->cred->gid.val;"
    " pr_egid = T->cred->egid.val; pr_addr = (uintptr_t)T;"
    " pr_fname = stringof(T->comm); pr_psargs = _psargs(T); pr_dmodel = 2; };"
    "translator lwpsinfo_t < struct task_struct *T > {"
    " pr_flag = T->flags; pr_lwpid = T->pid; pr_addr = (uintptr_t)T; pr_wchan = 0;"
    " pr_state = T->__state == 0 ? 2 : T->__state & 4 ? 4 : 1;"
    " pr_sname = T->__state == 0 ? 'R' : T->__state & 4 ? 'T' : 'S';"
    " pr_pri = T->prio; pr_nice = T->static_prio - 120;"
    " pr_onpro = T->thread_info.cpu; pr_name = stringof(T->comm); };"
    "inline psinfo_t *curpsinfo = xlate <psinfo_t *> (curthread);"
    "inline lwpsinfo_t *curlwpsinfo = xlate <lwpsinfo_t *> (curthread);"
    E(SSLEEP, 1) E(SRUN, 2) E(SZOMB, 3) E(SSTOP, 4) E(SIDL, 5) E(SONPROC, 6) E(SWAIT, 7)
    E(PR_STOPPED, 1) E(PR_ISTOP, 2);

static const char sched_d[] =
    "typedef struct cpuinfo { processorid_t cpu_id; psetid_t cpu_pset; chipid_t cpu_chip;"
    " lgrp_id_t cpu_lgrp; } cpuinfo_t;"
    "inline psetid_t pset = 0; inline chipid_t chip = 0; inline lgrp_id_t lgrp = 0;";

static const char io_d[] =
    "typedef struct bufinfo { int b_flags; size_t b_bcount; size_t b_bufsize; uintptr_t b_addr;"
    " uint64_t b_lblkno; uint64_t b_blkno; size_t b_resid; uintptr_t b_iodone; int b_error;"
    " dev_t b_edev; } bufinfo_t;"
    "typedef struct devinfo { int dev_major; int dev_minor; int dev_instance; string dev_name;"
    " string dev_statname; string dev_pathname; } devinfo_t;"
    "inline int B_WRITE = 1; inline int B_READ = 2; inline int B_ASYNC = 4; inline int B_PHYS = 8;"
    "translator bufinfo_t < struct bio *B > {"
    " b_flags = (B->bi_opf & 1) ? 1 : 2; b_bcount = B->bi_iter.bi_size;"
    " b_bufsize = B->bi_iter.bi_size; b_addr = (uintptr_t)B; b_lblkno = B->bi_iter.bi_sector;"
    " b_blkno = B->bi_iter.bi_sector; b_resid = 0; b_iodone = (uintptr_t)B->bi_end_io;"
    " b_error = B->bi_status; b_edev = B->bi_bdev->bd_dev; };"
    "translator devinfo_t < struct bio *B > {"
    " dev_major = B->bi_bdev->bd_dev >> 20; dev_minor = B->bi_bdev->bd_dev & 0xfffff;"
    " dev_instance = 0; dev_name = stringof(B->bi_bdev->bd_disk->disk_name);"
    " dev_statname = stringof(B->bi_bdev->bd_disk->disk_name);"
    " dev_pathname = strjoin(\"/dev/\", stringof(B->bi_bdev->bd_disk->disk_name)); };";

/* Files, by what the kernel has of them: of a dentry alone the path ends at its file system. */
static const char file_d[] =
    "typedef struct fileinfo { string fi_name; string fi_dirname; string fi_pathname;"
    " long fi_offset; string fi_fs; string fi_mount; int fi_oflags; } fileinfo_t;"
    "translator fileinfo_t < struct file *F > {"
    " fi_name = stringof(F->f_path.dentry->d_name.name); fi_pathname = d_path(&F->f_path);"
    " fi_dirname = dirname(d_path(&F->f_path)); fi_offset = F->f_pos;"
    " fi_fs = stringof(F->f_inode->i_sb->s_type->name);"
    " fi_mount = d_path(F->f_path.mnt->mnt_root); fi_oflags = F->f_flags; };"
    "translator fileinfo_t < struct bio *B > {"
    " fi_name = \"<none>\"; fi_dirname = \"<none>\"; fi_pathname = \"<none>\";"
    " fi_offset = B->bi_iter.bi_sector * 512; fi_fs = \"<none>\"; fi_mount = \"<none>\";"
    " fi_oflags = 0; };"
    "translator fileinfo_t < struct path *P > {"
    " fi_name = stringof(P->dentry->d_name.name); fi_pathname = d_path(P);"
    " fi_dirname = dirname(d_path(P)); fi_offset = 0;"
    " fi_fs = stringof(P->dentry->d_sb->s_type->name); fi_mount = d_path(P->mnt->mnt_root);"
    " fi_oflags = 0; };"
    "translator fileinfo_t < struct dentry *D > {"
    " fi_name = stringof(D->d_name.name); fi_pathname = d_path(D); fi_dirname = d_path(D->d_parent);"
    " fi_offset = 0; fi_fs = stringof(D->d_sb->s_type->name); fi_mount = \"/\"; fi_oflags = 0; };"
    "translator fileinfo_t < struct renamedata *R > {"
    " fi_name = stringof(R->old_dentry->d_name.name); fi_pathname = d_path(R->old_dentry);"
    " fi_dirname = d_path(R->old_dentry->d_parent); fi_offset = 0;"
    " fi_fs = stringof(R->old_dentry->d_sb->s_type->name); fi_mount = \"/\"; fi_oflags = 0; };"
    "inline fileinfo_t *fds[int fd] = xlate <fileinfo_t *> (getf(fd));";

/*
 * Packets.  NH is where the IP header is: behind `head` in one that goes out, at `data` in one that comes in,
 * whose type is struct rx_packet to tell them apart.  Only the members that a program names are computed.
 */
#define NET_TYPES \
    "typedef struct pktinfo { uintptr_t pkt_addr; } pktinfo_t;" \
    "typedef struct csinfo { uintptr_t cs_addr; uint64_t cs_cid; pid_t cs_pid; } csinfo_t;" \
    "typedef struct ipinfo { uint8_t ip_ver; uint32_t ip_plength; string ip_saddr; string ip_daddr; }" \
    " ipinfo_t;" \
    "typedef struct ifinfo { string if_name; int8_t if_local; uintptr_t if_addr; } ifinfo_t;" \
    "typedef struct ipv4info { uint8_t ipv4_ver; uint8_t ipv4_ihl; uint8_t ipv4_tos;" \
    " uint16_t ipv4_length; uint16_t ipv4_ident; uint8_t ipv4_flags; uint16_t ipv4_offset;" \
    " uint8_t ipv4_ttl; uint8_t ipv4_protocol; string ipv4_protostr; uint16_t ipv4_checksum;" \
    " uint32_t ipv4_src; uint32_t ipv4_dst; string ipv4_saddr; string ipv4_daddr; uintptr_t ipv4_hdr; }" \
    " ipv4info_t;" \
    "typedef struct ipv6info { uint8_t ipv6_ver; uint8_t ipv6_tclass; uint32_t ipv6_flow;" \
    " uint16_t ipv6_plen; uint8_t ipv6_nexthdr; uint8_t ipv6_hlim; string ipv6_saddr;" \
    " string ipv6_daddr; uintptr_t ipv6_hdr; } ipv6info_t;" \
    "typedef struct tcpinfo { uint16_t tcp_sport; uint16_t tcp_dport; uint32_t tcp_seq;" \
    " uint32_t tcp_ack; uint8_t tcp_offset; uint8_t tcp_flags; uint16_t tcp_window;" \
    " uint16_t tcp_checksum; uint16_t tcp_urgent; uintptr_t tcp_hdr; } tcpinfo_t;" \
    "typedef struct tcpsinfo { uintptr_t tcps_addr; int tcps_local; int tcps_active;" \
    " uint16_t tcps_lport; uint16_t tcps_rport; string tcps_laddr; string tcps_raddr;" \
    " int tcps_state; } tcpsinfo_t;" \
    "typedef struct tcplsinfo { int tcps_state; } tcplsinfo_t;" \
    "typedef struct udpinfo { uint16_t udp_sport; uint16_t udp_dport; uint16_t udp_length;" \
    " uint16_t udp_checksum; uintptr_t udp_hdr; } udpinfo_t;" \
    "typedef struct udpsinfo { uintptr_t udps_addr; uint16_t udps_lport; uint16_t udps_rport;" \
    " string udps_laddr; string udps_raddr; } udpsinfo_t;" \
    "struct rx_packet { struct sk_buff S; };"

#define V4(N, m) "((struct iphdr *)(" N "))->" m
#define V6(N, m) "((struct ipv6hdr *)(" N "))->" m
#define IS4(N) "((" V4(N, "version") ") == 4)"
#define SADDR(N) "(" IS4(N) " ? inet_ntoa(&" V4(N, "saddr") ") : inet_ntoa6(&" V6(N, "saddr") "))"
#define DADDR(N) "(" IS4(N) " ? inet_ntoa(&" V4(N, "daddr") ") : inet_ntoa6(&" V6(N, "daddr") "))"
#define L4(N) "((" N ") + (" IS4(N) " ? " V4(N, "ihl") " * 4 : 40))"
#define TCPH(N, m) "((struct tcphdr *)(" L4(N) "))->" m
#define UDPH(N, m) "((struct udphdr *)(" L4(N) "))->" m

/* T: the type; K: the packet; N: its IP header; L, R: our port and theirs; LA, RA: the addresses. */
#define PACKET(T, K, N, L, R, LA, RA) \
    "translator pktinfo_t < " T " *P > { pkt_addr = (uintptr_t)P; };" \
    "translator csinfo_t < " T " *P > { cs_addr = (uintptr_t)" K "sk; cs_cid = (uint64_t)" K "sk;" \
    " cs_pid = 0; };" \
    "translator ifinfo_t < " T " *P > { if_name = stringof(" K "dev->name);" \
    " if_local = (" K "dev->flags & 8) != 0; if_addr = (uintptr_t)" K "dev; };" \
    "translator ipinfo_t < " T " *P > { ip_ver = " V4(N, "version") ";" \
    " ip_plength = " IS4(N) " ? ntohs(" V4(N, "tot_len") ") - " V4(N, "ihl") " * 4 :" \
    " ntohs(" V6(N, "payload_len") "); ip_saddr = " SADDR(N) "; ip_daddr = " DADDR(N) "; };" \
    "translator ipv4info_t < " T " *P > { ipv4_ver = " V4(N, "version") ";" \
    " ipv4_ihl = " V4(N, "ihl") " * 4; ipv4_tos = " V4(N, "tos") ";" \
    " ipv4_length = ntohs(" V4(N, "tot_len") "); ipv4_ident = ntohs(" V4(N, "id") ");" \
    " ipv4_flags = ntohs(" V4(N, "frag_off") ") >> 13;" \
    " ipv4_offset = ntohs(" V4(N, "frag_off") ") & 0x1fff; ipv4_ttl = " V4(N, "ttl") ";" \
    " ipv4_protocol = " V4(N, "protocol") ";" \
    " ipv4_protostr = " V4(N, "protocol") " == 6 ? \"TCP\" : " V4(N, "protocol") \
    " == 17 ? \"UDP\" : " V4(N, "protocol") " == 1 ? \"ICMP\" : \"<other>\";" \
    " ipv4_checksum = ntohs(" V4(N, "check") "); ipv4_src = " V4(N, "saddr") ";" \
    " ipv4_dst = " V4(N, "daddr") "; ipv4_saddr = inet_ntoa(&" V4(N, "saddr") ");" \
    " ipv4_daddr = inet_ntoa(&" V4(N, "daddr") "); ipv4_hdr = (uintptr_t)(" N "); };" \
    "translator ipv6info_t < " T " *P > { ipv6_ver = " V6(N, "version") "; ipv6_tclass = 0;" \
    " ipv6_flow = 0; ipv6_plen = ntohs(" V6(N, "payload_len") ");" \
    " ipv6_nexthdr = " V6(N, "nexthdr") "; ipv6_hlim = " V6(N, "hop_limit") ";" \
    " ipv6_saddr = inet_ntoa6(&" V6(N, "saddr") "); ipv6_daddr = inet_ntoa6(&" V6(N, "daddr") ");" \
    " ipv6_hdr = (uintptr_t)(" N "); };" \
    "translator tcpinfo_t < " T " *P > { tcp_sport = ntohs(" TCPH(N, "source") ");" \
    " tcp_dport = ntohs(" TCPH(N, "dest") "); tcp_seq = ntohl(" TCPH(N, "seq") ");" \
    " tcp_ack = ntohl(" TCPH(N, "ack_seq") "); tcp_offset = " TCPH(N, "doff") " * 4;" \
    " tcp_flags = *((uint8_t *)(" L4(N) ") + 13); tcp_window = ntohs(" TCPH(N, "window") ");" \
    " tcp_checksum = ntohs(" TCPH(N, "check") "); tcp_urgent = ntohs(" TCPH(N, "urg_ptr") ");" \
    " tcp_hdr = (uintptr_t)(" L4(N) "); };" \
    "translator tcpsinfo_t < " T " *P > { tcps_addr = (uintptr_t)" K "sk;" \
    " tcps_local = (" K "dev->flags & 8) != 0; tcps_active = 0;" \
    " tcps_lport = ntohs(" TCPH(N, L) "); tcps_rport = ntohs(" TCPH(N, R) ");" \
    " tcps_laddr = " LA "; tcps_raddr = " RA ";" \
    " tcps_state = " K "sk != 0 ? " K "sk->__sk_common.skc_state : 0; };" \
    "translator udpinfo_t < " T " *P > { udp_sport = ntohs(" UDPH(N, "source") ");" \
    " udp_dport = ntohs(" UDPH(N, "dest") "); udp_length = ntohs(" UDPH(N, "len") ");" \
    " udp_checksum = ntohs(" UDPH(N, "check") "); udp_hdr = (uintptr_t)(" L4(N) "); };" \
    "translator udpsinfo_t < " T " *P > { udps_addr = (uintptr_t)" K "sk;" \
    " udps_lport = ntohs(" UDPH(N, L) "); udps_rport = ntohs(" UDPH(N, R) ");" \
    " udps_laddr = " LA "; udps_raddr = " RA "; };"

#define TX_NH "P->head + P->network_header"
#define RX_NH "P->S.data"
#define SKC "K->__sk_common."
#define SK_ADDR(v4, v6) "(" SKC "skc_family == 10 ? inet_ntoa6(&" SKC v6 ") : inet_ntoa(&" SKC v4 "))"

static const char net_d[] = NET_TYPES
    PACKET("struct sk_buff", "P->", TX_NH, "source", "dest", SADDR(TX_NH), DADDR(TX_NH))
    PACKET("struct rx_packet", "P->S.", RX_NH, "dest", "source", DADDR(RX_NH), SADDR(RX_NH))
    "translator pktinfo_t < struct sock *K > { pkt_addr = 0; };"
    "translator csinfo_t < struct sock *K > { cs_addr = (uintptr_t)K; cs_cid = (uint64_t)K; cs_pid = 0; };"
    "translator ipinfo_t < struct sock *K > { ip_ver = " SKC "skc_family == 10 ? 6 : 4; ip_plength = 0;"
    " ip_saddr = " SK_ADDR("skc_rcv_saddr", "skc_v6_rcv_saddr") ";"
    " ip_daddr = " SK_ADDR("skc_daddr", "skc_v6_daddr") "; };"
    "translator tcpsinfo_t < struct sock *K > { tcps_addr = (uintptr_t)K; tcps_local = 0;"
    " tcps_active = 0; tcps_lport = " SKC "skc_num; tcps_rport = ntohs(" SKC "skc_dport);"
    " tcps_laddr = " SK_ADDR("skc_rcv_saddr", "skc_v6_rcv_saddr") ";"
    " tcps_raddr = " SK_ADDR("skc_daddr", "skc_v6_daddr") ";"
    " tcps_state = " SKC "skc_state; };"
    "translator tcplsinfo_t < int O > { tcps_state = O; };";

static const char netdefs_d[] =
    E(AF_INET, 2) E(AF_INET6, 10) E(IPPROTO_IP, 0) E(IPPROTO_ICMP, 1) E(IPPROTO_TCP, 6)
    E(IPPROTO_UDP, 17) E(IPPROTO_IPV6, 41) E(IPPROTO_ICMPV6, 58) E(TCP_STATE_ESTABLISHED, 1)
    E(TCP_STATE_SYN_SENT, 2) E(TCP_STATE_SYN_RECEIVED, 3) E(TCP_STATE_FIN_WAIT_1, 4)
    E(TCP_STATE_FIN_WAIT_2, 5) E(TCP_STATE_TIME_WAIT, 6) E(TCP_STATE_CLOSED, 7)
    E(TCP_STATE_CLOSE_WAIT, 8) E(TCP_STATE_LAST_ACK, 9) E(TCP_STATE_LISTEN, 10)
    E(TCP_STATE_CLOSING, 11) E(TH_FIN, 1) E(TH_SYN, 2) E(TH_RST, 4) E(TH_PUSH, 8) E(TH_ACK, 16)
    E(TH_URG, 32) E(ARPHRD_ETHER, 1);

static const struct part {
	const char *text;
	const char *names; /* those that do not show in the text as "inline T NAME =" */
} parts[] = {
    {errno_d, ""}, {signal_d, ""}, {unistd_d, ""},
    {procfs_d, " psinfo_t lwpsinfo_t curpsinfo curlwpsinfo "},
    {io_d, " bufinfo_t devinfo_t B_WRITE B_READ B_ASYNC B_PHYS "},
    {file_d, " fileinfo_t fds "},
    {net_d, " pktinfo_t csinfo_t ipinfo_t ifinfo_t ipv4info_t ipv6info_t tcpinfo_t tcpsinfo_t tcplsinfo_t"
	" udpinfo_t udpsinfo_t rx_packet "},
    {netdefs_d, ""},
    {sched_d, " cpuinfo_t pset chip lgrp "},
};
enum { NPARTS = sizeof(parts) / sizeof(parts[0]) };

static bool
defines(const struct part *p, const char *name)
{
	char word[80];

	(void)snprintf(word, sizeof(word), "inline int %.60s = ", name);
	if (strstr(p->text, word) != NULL)
		return (true);
	(void)snprintf(word, sizeof(word), " %.60s ", name);
	return (strstr(p->names, word) != NULL);
}

/* Parse a part in the middle of something else: places and regions are put back. */
static void
load(struct comp *c, const struct part *p)
{
	struct program prog = {.c = c, .spec = SPEC_NAME, .needs_body = true};
	enum region region = c->region;
	int line = c->line, col = c->col;
	unsigned depth = c->depth;

	parse_program(&prog, p->text, strlen(p->text));
	c->region = region;
	c->line = line;
	c->col = col;
	c->depth = depth;
}

bool
lib_load(struct comp *c, const char *name)
{
	char word[128];

	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, " *"), name);
	for (unsigned i = 0; i < NPARTS; i++) {
		if ((c->libs >> i & 1) != 0 || !defines(&parts[i], word))
			continue;
		c->libs |= 1u << i;
		load(c, &parts[i]);
		return (true);
	}
	return (false);
}
