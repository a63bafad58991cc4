;; A server with a thread for each connection, and garbage for a collector that stops threads by signals.
(require :sb-bsd-sockets)

(defvar *answer* (format nil "HTTP/1.1 200 OK~C~CContent-Length: 6~C~C~C~Chello~C"
                         #\Return #\Newline #\Return #\Newline #\Return #\Newline #\Newline))
(defvar *kept* nil)

(defun serve (socket)
  (handler-case
      (let ((stream (sb-bsd-sockets:socket-make-stream socket :input t :output t :buffering :full
                                                              :external-format :latin-1)))
        (loop
          (let ((line (read-line stream nil)))
            (unless line (return))
            (when (<= (length line) 1)
              (setf *kept* (make-array 5000))
              (write-string *answer* stream)
              (finish-output stream)))))
    (stream-error () nil)
    (sb-bsd-sockets:socket-error () nil))
  (ignore-errors (sb-bsd-sockets:socket-close socket :abort t)))

(let ((listen (make-instance 'sb-bsd-sockets:inet-socket :type :stream :protocol :tcp))
      (port (parse-integer (second *posix-argv*))))
  (setf (sb-bsd-sockets:sockopt-reuse-address listen) t)
  (sb-bsd-sockets:socket-bind listen #(127 0 0 1) port)
  (sb-bsd-sockets:socket-listen listen 128)
  (loop
    (let ((socket (sb-bsd-sockets:socket-accept listen)))
      (when socket
        (sb-thread:make-thread (lambda () (serve socket)))))))
