#define INNER 10
