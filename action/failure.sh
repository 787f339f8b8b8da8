# Ends the step with an annotation. The text may hold names from outside, so that a line break in it must not begin
# another command of the workflow.
fail() {
	local text=${1//'%'/%25}
	text=${text//$'\r'/%0D}
	echo "::error title=sigtool::${text//$'\n'/%0A}"
	exit 2
}
