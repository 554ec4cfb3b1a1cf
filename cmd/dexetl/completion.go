package main

const completionMark = "--generate-shell-completion"
