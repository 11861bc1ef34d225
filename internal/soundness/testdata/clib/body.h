static int inner(void) { return 10; }
