/* Debian's VOMS server listens on every address of the machine and has no option against it. Preloaded
 * into it, this turns each such bind into one on loopback, so that tests stay on loopback. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*bind_function)(int, const struct sockaddr *, socklen_t);

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  bind_function next = (bind_function)dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in local;
    memcpy(&local, address, sizeof local);
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return next(fd, (const struct sockaddr *)&local, sizeof local);
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    /* ::ffff:127.0.0.1, which takes what comes to 127.0.0.1. */
    static const unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    struct sockaddr_in6 local;
    memcpy(&local, address, sizeof local);
    memcpy(&local.sin6_addr, mapped, sizeof mapped);
    return next(fd, (const struct sockaddr *)&local, sizeof local);
  }
  return next(fd, address, length);
}
