"""Asks the system about this process, its memory, its parent and the machine."""
import os
import psutil

own = psutil.Process()
print(own.pid == os.getpid(), own.memory_info().rss > 2**20, own.num_threads() >= 1, own.ppid() == os.getppid())
print(psutil.cpu_count() >= 1, psutil.virtual_memory().total > 2**28, psutil.boot_time() > 0, len(psutil.pids()) > 0)
