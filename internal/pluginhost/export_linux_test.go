package pluginhost

// Without makes a host act as if the kernel had not a part of the confinement.
func Without(h *Host, part string) *Host {
	h.without = part
	return h
}
