<?php usleep(500); echo "hello\n";
