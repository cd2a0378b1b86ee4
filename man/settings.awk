# Rows of fcgi/base/settings.def as roff: SETTING(KEY, TYPE, field, "default", min, max, L or R, "doc").
/^SETTING\(/ {
    line = $0
    sub(/^SETTING\(/, "", line)
    key = line; sub(/,.*/, "", key)
    sub(/^[^,]*, */, "", line)
    type = line; sub(/,.*/, "", type)
    sub(/^[^,]*, */, "", line)         # type
    sub(/^[^,]*, */, "", line)         # field
    if (line ~ /^NULL/) { value = ""; has = 0; sub(/^NULL, */, "", line) }
    else { value = line; sub(/^"/, "", value); sub(/".*/, "", value); has = 1; sub(/^"[^"]*", */, "", line) }
    sub(/^[^,]*, */, "", line)         # min
    sub(/^[^,]*, */, "", line)         # max
    when = substr(line, 1, 1)
    doc = line; sub(/^[^"]*"/, "", doc); sub(/"\)[ \t]*$/, "", doc)
    gsub(/\\"/, "\"", doc)
    gsub(/\\/, "\\e", doc); gsub(/\\/, "\\e", value)
    gsub(/-/, "\\-", key)
    text = tolower(type)
    if (text == "custom") text = ""
    else if (text == "strings") text = "list"
    else if (text == "cidrs") text = "list of addresses or networks"
    else if (text == "int") text = "number"
    note = text
    if (!has) note = note (note ? ", " : "") "no default"
    else if (value != "") note = note (note ? ", " : "") "default \\fI" value "\\fR"
    if (when == "R") note = note (note ? "; " : "") "SIGHUP reads it again"
    printf ".TP\n\\fB%s\\fR (%s)\n", key, note
    if (doc ~ /^[.']/) doc = "\\&" doc
    print doc
}
