package host

func backlogs(sockets []Socket) {}
