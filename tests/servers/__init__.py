"""Real file servers for the tests, each in a thread of its own, on a port of its own.

    web.py   HTTP and HTTPS      ftp.py   FTP and FTPS      ssh.py   SFTP

They serve a folder and take files into it. A test may let them be slow, break off, or refuse.
"""
