// Answers with a file, after a short sleep; says which errors it met.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	port, folder := os.Args[1], os.Args[2]
	http.HandleFunc("/", func(to http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Millisecond)
		text, err := os.ReadFile(folder + "/index.html")
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			to.WriteHeader(500)
		}
		to.Write(text)
	})
	fmt.Fprintln(os.Stderr, "error:", http.ListenAndServe("127.0.0.1:"+port, nil))
}
