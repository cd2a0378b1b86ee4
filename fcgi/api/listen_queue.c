/*
 * listen_queue.c - see listen_queue.h. sock_diag(7): the kernel dumps all listening unix sockets;
 * ours is the one whose file is at the path (by inode, since it was bound under a temporary name).
 */
#include "api/listen_queue.h"

#include "base/cleanup.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#define STATE_LISTEN 10 /* TCP_LISTEN of the kernel, which unix sockets share */

static bool ask(int fd)
{
    struct {
        struct nlmsghdr head;
        struct unix_diag_req body;
    } q = {
        .head = {.nlmsg_len = sizeof(q),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = 1 << STATE_LISTEN,
                 .udiag_show = UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN},
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return sendto(fd, &q, sizeof(q), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) ==
           (ssize_t)sizeof(q);
}

/* One socket of the dump: whether its file has the inode, and how long its queue is. */
static bool entry_fits(const struct nlmsghdr *h, ino_t inode, uint32_t *ret_depth)
{
    struct unix_diag_vfs vfs = {.udiag_vfs_ino = 0};
    struct unix_diag_rqlen queue = {.udiag_rqueue = 0};
    const char *p = (const char *)h + NLMSG_LENGTH(sizeof(struct unix_diag_msg));
    size_t left = h->nlmsg_len > NLMSG_LENGTH(sizeof(struct unix_diag_msg))
                      ? h->nlmsg_len - NLMSG_LENGTH(sizeof(struct unix_diag_msg))
                      : 0;
    struct rtattr a;

    while (left >= sizeof(a)) {
        memcpy(&a, p, sizeof(a));
        if (a.rta_len < sizeof(a) || a.rta_len > left)
            break;
        if (a.rta_type == UNIX_DIAG_VFS && a.rta_len >= RTA_LENGTH(sizeof(vfs)))
            memcpy(&vfs, p + RTA_LENGTH(0), sizeof(vfs));
        else if (a.rta_type == UNIX_DIAG_RQLEN && a.rta_len >= RTA_LENGTH(sizeof(queue)))
            memcpy(&queue, p + RTA_LENGTH(0), sizeof(queue));
        size_t step = RTA_ALIGN(a.rta_len);
        p += step < left ? step : left;
        left -= step < left ? step : left;
    }
    if (vfs.udiag_vfs_ino == 0 || vfs.udiag_vfs_ino != (uint32_t)inode)
        return false;
    *ret_depth = queue.udiag_rqueue;
    return true;
}

bool listen_queue(const char *path, uint32_t *ret_depth)
{
    _Alignas(struct nlmsghdr) char answer[16384];
    struct timeval timeout = {.tv_sec = 1};
    struct stat st;
    CLEANUP(fd_close) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd < 0 || stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (!ask(fd))
        return false;
    for (;;) {
        ssize_t n = recv(fd, answer, sizeof(answer), 0);
        if (n <= 0)
            return false;
        unsigned left = (unsigned)n;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
                return false;
            if (entry_fits(h, st.st_ino, ret_depth))
                return true;
        }
    }
}
