// Command output writes a line of each kind that --output=json knows: text, a
// JSON object, bytes that are no UTF-8, and a last line without its newline.
package main

import "os"

func main() {
	os.Stdout.WriteString("text\n{\"answer\":42}\n\xff\xfe\nend")
}
