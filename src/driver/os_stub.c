/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * os_stub.c: os.h on systems whose routes nobody has taught us to read yet: it works with a gateway
 * that the user names, and says NOT_AVAILABLE without one.
 */
#include <fcntl.h>
#include <unistd.h>

#include "driver/os.h"
#include "driver/sock.h"

int ph_os_network(const struct ph_os_choice *choice, struct ph_network *ret) {
    if (ph_addr_is_unspecified(&choice->gateway))
        return PORTHOLE_ERR_NOT_AVAILABLE;
    return ph_sock_network(choice, ret);
}

void ph_os_examine(const struct ph_os_choice *choice, struct ph_network *network) {
    (void)choice;
    (void)network;
}

int ph_os_news_open(const struct ph_os_choice *choice) {
    (void)choice;
    return PORTHOLE_ERR_NOT_AVAILABLE;
}

bool ph_os_news_read(int fd) {
    (void)fd;
    return false;
}

int ph_os_alarm_open(void) { return PORTHOLE_ERR_NOT_AVAILABLE; }

void ph_os_alarm_set(int fd, ph_us delay) {
    (void)fd;
    (void)delay;
}

int ph_os_wake_pair(int ret_fds[2]) {
    int fds[2];
    if (pipe(fds) != 0)
        return PORTHOLE_ERR_SYSTEM;
    for (unsigned i = 0; i < 2; i++) {
        if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(fds[i], F_SETFL, O_NONBLOCK) != 0) {
            (void)close(fds[0]);
            (void)close(fds[1]);
            return PORTHOLE_ERR_SYSTEM;
        }
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}
