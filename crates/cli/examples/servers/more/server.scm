;; An HTTP server beside threads that make garbage for the collector (libgc), which stops threads by signals.
(use-modules (web server) (ice-9 threads))

(define (waste)
  (make-vector 2000 0)
  (usleep 500)
  (waste))

(call-with-new-thread waste)
(call-with-new-thread waste)
(run-server (lambda (request body) (values '((content-type . (text/plain))) "hello\n"))
            'http
            (list #:port (string->number (cadr (command-line)))))
