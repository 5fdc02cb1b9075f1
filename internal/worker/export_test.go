package worker

// Courtesy is for how long who rings leaves the ring to others.
const Courtesy = courtesy
