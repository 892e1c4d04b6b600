// broken is what the tests of hopeless installs are made of:
//
//	broken registry                       answers as registries that do not help: no image, no access, no trusted certificate
//	broken webhook -ca FILE -listen ADDR  an admission webhook that denies everything; writes its authority to FILE
//	broken measure ...                    runs one case and compares it with what was expected
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("broken: ")
	commands := map[string]func([]string) error{"registry": registry, "webhook": webhook, "measure": measure}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: broken registry|webhook|measure")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}
