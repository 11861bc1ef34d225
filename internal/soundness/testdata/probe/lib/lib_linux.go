package lib

const system = "linux 10"
