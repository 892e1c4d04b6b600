// measure is what the groups `broken`, `speed` and `doctor_speed` measure with:
//
//	measure registry                       answers as registries that do not help: no image, no access, no trusted certificate
//	measure webhook -ca FILE -listen ADDR  an admission webhook that denies everything; writes its authority to FILE
//	measure broken ...                     runs an install that cannot succeed and compares it with what was expected
//	measure whole ...                      times whole processes, those of several tools in turn
//	measure ready ...                      how long after the API server an install knows that a Deployment is available
//	measure crowd ...                      makes nodes that kwok plays, and pods on them
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("measure: ")
	commands := map[string]func([]string) error{
		"registry": registry, "webhook": webhook, "broken": broken, "whole": whole, "ready": ready, "crowd": crowd,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: measure registry|webhook|broken|whole|ready|crowd")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}
