"""Reads a table, groups and sorts it, and joins another."""
import io
import platform
import ctypes.util
import pandas

print(platform.system(), platform.platform() != "", ctypes.util.find_library("no-such-library"))
sales = pandas.read_csv(io.StringIO("town,year,sold\na,2024,3\nb,2024,5\na,2025,4\nb,2025,7\n"))
sums = sales.groupby("town")["sold"].sum().sort_values(ascending=False)
names = pandas.DataFrame({"town": ["a", "b"], "name": ["Aa", "Bb"]})
print(sums.to_dict(), sales.merge(names).query("year == 2025")["name"].tolist())
print(pandas.to_datetime(sales["year"], format="%Y").dt.is_leap_year.tolist())
