# limited.sh NBQC MODEL: rejects.sh, and the whole must end soon.
exec timeout 60 sh "$(dirname "$0")/rejects.sh" "$@"
