secpipe:Dockerfile:1:6: DL3006 warning: Tag the version of the image `debian`
secpipe:Dockerfile:2:5: DL3009 info: Remove the lists: <none> & "none" of 100%, please
secpipe:Dockerfile:3:12: DL3048 style: A label of `日本`
secpipe:sub dir/Dockerfile.prod:2:1: DL3002 error: Last USER is root
secpipe:sub dir/Dockerfile.prod:2:6: SC2086 info: Quote: this, too
secpipe: no-shellcheck warning: ShellCheck is not installed: install it
secpipe: unknown-rule warning: clean/Dockerfile:1:17: no rule DL9999: remove it
secpipe: unreadable-file error: gone, away: cannot be read: check its permissions
