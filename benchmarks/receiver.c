/* The least that a client of an event stream can do: receive, find the stamp, store it.
 *
 * One thread, one epoll. Every client keeps the id of its latest event and the moment it was read, and nothing else.
 * An event's id has to lie within one read, as those of a push do: what is cut apart counts as not received.
 *
 *     receiver HOST PORT PATH CLIENTS IN_FLIGHT
 *
 * reads commands and answers in lines:
 *
 *     open        connects everybody; "opened"
 *     expect ID   an event is about to be pushed; "reached" when everybody has it or a later one
 *     report ID   CLOCK_MONOTONIC nanoseconds at which each client read it as its latest event, 0 if it did not
 *     reopen ID   connects anew who has not had it; "opened"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLOSED, CONNECTING, HEAD, BODY };
enum { READ_BYTES = 65536, EVENTS = 512, PAUSE_MS = 50 };

struct client {
    long long id, received_ns;
    int fd, state;
};

static struct client *clients;
static int count, in_flight, most_in_flight, poller;
static int *waiting, first_waiting, waiting_count; /* a ring of who is to be connected */
static long long pause_until_ns, expected_id;
static int missing, opening;
static struct sockaddr_in address;
static char request[1024];
static size_t request_size;

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void answer(const char *text) {
    puts(text);
    fflush(stdout);
}

static void await_turn(int number) {
    waiting[(first_waiting + waiting_count++) % count] = number;
}

static void hang_up(int number) {
    struct client *client = &clients[number];
    if (client->state == CONNECTING || client->state == HEAD) in_flight--;
    if (client->state != CLOSED) close(client->fd);
    client->state = CLOSED;
}

/* A server that is overloaded is left alone for a moment. */
static void come_back(int number) {
    if (clients[number].state != BODY) pause_until_ns = now_ns() + PAUSE_MS * 1000000LL;
    hang_up(number);
    await_turn(number);
}

static void connect_next(void) {
    int number = waiting[first_waiting];
    struct client *client = &clients[number];
    first_waiting = (first_waiting + 1) % count;
    waiting_count--;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (client->fd < 0) {
        perror("socket");
        exit(1);
    }
    client->state = CONNECTING;
    in_flight++;
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        perror("connect");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = number};
    epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event);
}

static void connect_some(void) {
    while (waiting_count && in_flight < most_in_flight && now_ns() >= pause_until_ns) connect_next();
    if (opening && !waiting_count && !in_flight) {
        opening = 0;
        answer("opened");
    }
}

static void ask(int number) {
    struct client *client = &clients[number];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    epoll_ctl(poller, EPOLL_CTL_MOD, client->fd, &event);
    client->state = HEAD;
    if (send(client->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size) come_back(number);
}

static void find_stamps(struct client *client, char *data) {
    while ((data = strstr(data, "id: "))) {
        long long id = strtoll(data += 4, &data, 10);
        if (id <= client->id) continue;
        if (client->id < expected_id && id >= expected_id && !--missing) {
            client->id = id;
            client->received_ns = now_ns();
            answer("reached");
            continue;
        }
        client->id = id;
        client->received_ns = now_ns();
    }
}

static void receive(int number) {
    static char data[READ_BYTES + 1];
    struct client *client = &clients[number];
    ssize_t size = recv(client->fd, data, READ_BYTES, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
        come_back(number);
        return;
    }
    data[size] = 0;
    if (client->state == HEAD) {
        if (strncmp(data, "HTTP/1.1 200", 12)) {
            come_back(number);
            return;
        }
        client->state = BODY;
        in_flight--;
        return; /* what comes with the head was there before */
    }
    find_stamps(client, data);
}

static void obey(char *line) {
    long long id = 0;
    char command[16] = "";
    sscanf(line, "%15s %lld", command, &id);
    if (!strcmp(command, "open") || !strcmp(command, "reopen")) {
        for (int number = 0; number < count; number++)
            if (clients[number].state == CLOSED ? *command == 'o' : clients[number].id < id) {
                hang_up(number);
                await_turn(number);
            }
        opening = 1;
    } else if (!strcmp(command, "expect")) {
        expected_id = id;
        missing = 0;
        for (int number = 0; number < count; number++) missing += clients[number].id < id;
        if (!missing) answer("reached");
    } else if (!strcmp(command, "report")) {
        for (int number = 0; number < count; number++)
            printf("%lld ", clients[number].id == id ? clients[number].received_ns : 0);
        answer("");
    }
}

int main(int argc, char **argv) {
    struct rlimit files;
    if (argc != 6) {
        fprintf(stderr, "usage: receiver HOST PORT PATH CLIENTS IN_FLIGHT\n");
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    address.sin_family = AF_INET;
    address.sin_port = htons(atoi(argv[2]));
    inet_pton(AF_INET, argv[1], &address.sin_addr);
    count = atoi(argv[4]);
    most_in_flight = atoi(argv[5]);
    clients = calloc(count, sizeof *clients);
    waiting = calloc(count, sizeof *waiting);
    request_size = snprintf(request, sizeof request,
                            "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAccept: text/event-stream\r\n\r\n", argv[3], argv[1],
                            argv[2]);
    poller = epoll_create1(0);
    struct epoll_event commands = {.events = EPOLLIN, .data.u32 = count};
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &commands);
    answer("ready");
    for (;;) {
        struct epoll_event events[EVENTS];
        int found = epoll_wait(poller, events, EVENTS, waiting_count ? PAUSE_MS : -1);
        for (int index = 0; index < found; index++) {
            int number = events[index].data.u32;
            if (number == count) {
                char line[64];
                ssize_t size = read(0, line, sizeof line - 1);
                if (size <= 0) return 0;
                line[size] = 0;
                obey(line);
            } else if (clients[number].state == CONNECTING) {
                if (events[index].events & (EPOLLERR | EPOLLHUP))
                    come_back(number);
                else if (events[index].events & EPOLLOUT)
                    ask(number);
            } else if (clients[number].state != CLOSED) {
                receive(number);
            }
        }
        connect_some();
    }
}
